"""Averages the weights of runs that went on from one another: python average.py A.gguf B.gguf --out guide.gguf"""

import argparse
from pathlib import Path

import export
from corpus import Sampler
from train import check, resume

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    runs = [resume(file) for file in options.files]
    states = [model.state_dict() for model, _ in runs]
    (model, tokenizer), count = runs[0], len(runs)
    model.load_state_dict({name: sum(state[name] for state in states) / count for name in states[0]})
    export.write(model, tokenizer, options.out)
    print(f"held out: {check(model, tokenizer, Sampler(1).answers)}")
