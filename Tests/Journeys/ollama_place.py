"""Where the journeys of Ollama's shapes happen: beside a server, and through `cloister connect`."""

import shutil
import sys
from pathlib import Path

import gguf
import ollama
import pytest
import requests

import conftest
from beyond import Beyond, Connected
sys.path[:0] = [str(Path(__file__).parent / "attacks")]
from processes import named, roles  # noqa: E402, F401

ASK = [{"role": "user", "content": "What is Cloister?"}]
GUIDE = Path(__file__).resolve().parents[2] / "Sources/CGuide/guide.gguf"


class Place:
    """Where a program finds the door: a URL, and a key."""

    def __init__(self, url, home):
        self.url, self.home, self.headers = url, home, {"Authorization": f"Bearer {home.token}"}
        self.client = ollama.Client(host=url, headers=self.headers)

    def engines(self):
        return roles(self.home.server)["engine"]

    def post(self, path, **body):
        return requests.post(f"{self.url}/api/{path}", json=body, headers=self.headers)


def without_template(path):
    """The guide as a base model: its messages one after another, the system's too, which the guide itself does not know."""
    guide, writer = gguf.GGUFReader(GUIDE), gguf.GGUFWriter(path, "llama")
    for name, field in guide.fields.items():
        if not name.startswith("GGUF.") and name not in ("general.architecture", "tokenizer.chat_template", "cloister.chat_format"):
            inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(name, field.contents(), field.types[0], sub_type=inner)
    for tensor in guide.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture(scope="module", params=["serve", "connect"])
def place(request, tmp_path_factory):
    home, connected = conftest.Home(), None
    try:
        home.init()
        home.token = home.key()
        store = home.root / ".cache/llama.cpp"
        store.mkdir(parents=True)
        shutil.copy(GUIDE, store / "other.gguf")
        without_template(store / "plain.gguf")
        if request.param == "serve":
            home.server = home.serve()
            yield Place(home.url, home)
        else:
            remote = Beyond(home).start()
            home.server = remote.server
            connected = Connected(tmp_path_factory.mktemp("user"), f"{remote.url}/#node={remote.node}", "--ca", remote.authority)
            yield Place(connected.url, home)
    finally:
        if connected:
            connected.stop()
        home.close()
