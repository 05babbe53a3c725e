"""The guide's text as questions with answers: reading, templates, and the variations that training sees."""

import random
import re
from pathlib import Path

HERE = Path(__file__).parent
DECLINE = (
    "I only know about Cloister and privacy; to ask anything else, bring a real model: "
    "start Cloister with --model and a GGUF file."
)
MORE = "That is all I know about it; README.md and docs in Cloister's folder say more. Ask me about a word in my answer if one is unclear."
FOLLOW_UPS = [
    "tell me more", "more", "why", "why is that", "how so", "go on", "explain (that|it) further", "what else", "more details", "really",
    "please elaborate", "and then", "and", "how exactly", "say more (about that|about it|on this|)", "(can|could) you (explain|say|tell me) more (about it|)",
    "(i want to|let me|may i) (know|hear|learn) more (about that|)", "(is that|was that) all", "(anything|something) (else|more) (to know|)",
    "(what|how) (more|much more) (do you know|can you tell me|is there to know|should i know)", "(more|further) (information|explanation|depth) (please|)",
    "(can you|please|) (continue|carry on|proceed|go deeper|extend that|add to that)", "(why|how) (does it do that|is it so|would that be)",
    "(in more|with more|some more|a little more) (detail|details|depth|words) (please|)", "what (does that|do you) mean (exactly|in detail|)",
    "(how|why) (should|can|do) i (trust|believe|check) that", "ok (and|) (what|anything) else (do i need|should i know|)", "(give|show) me (further|some) details",
]
LINKS = [
    "and ", "and ", "ok, and ", "what about ", "so ", "then ", "but ", "and now ", "next: ", "ok, ", "good. ", "i see, ", "fine, ", "great, ", "thanks, ",
    "another question: ", "and also ", "hmm, ", "all right, ", "different topic: ", "and what about ", "ok but ", "understood. ", "and then ", "also, ",
]
WORD_TEMPLATES = [
    "what is {}", "what is a {}", "what are {}", "what's {}", "whats {}", "what does {} mean", "what is meant by {}", "explain {}",
    "explain {} to me", "define {}", "{}", "tell me about {}", "can you explain {}", "could you explain {} please",
    "i do not understand {}", "meaning of {}", "what do you mean by {}", "what exactly is {}", "what is {} in simple words",
    "describe {}", "give me a definition of {}", "how does {} work", "what is {} good for", "what is {} used for",
    "why is {} important", "what does {} do", "what is the {}", "explain {} in short", "help me understand {}",
    "what is {} about", "what do people mean by {}", "why {}", "what's the purpose of {}", "who needs {}", "is {} important",
    "what can you tell me about {}", "how would you explain {}", "teach me about {}", "what counts as {}", "in plain words, {}",
    "what does the term {} stand for", "what does {} change", "what does {} protect", "what happens in {}", "how is {} done",
    "(can|could|would) you (tell me|say) what {} (is|means|are)", "i (read|heard|keep reading) about {}, what (is it|does it mean)",
    "what (is|was|are) {} (again|actually|really|for|in ai|in this context|in short)", "{} (definition|meaning|explained|in simple terms|for beginners)",
    "(how|why|when|where) (do|would|should|does) (people|one|you|cloister|a company) (use|need) {}", "what (role|part) does {} play (here|)",
    "(give|show) me (an example|the idea|the basics|a short explanation) of {}", "what (should|must|do) i (know|need to know) about {}",
    "(what is|what's) the (idea|point|meaning|sense|benefit|use) (of|behind) {}", "(does|do) (cloister|you|this) (use|have|support|know) {}",
    "(the|a|this) word {} (is new to me|means what|confuses me)", "(explain|describe) {} (like i am five|simply|briefly|in one sentence|to a beginner)",
    "(never heard of|what about|how about|info on|i am curious about|let us talk about) {}", "(is|are) {} (good|bad|safe|useful|hard|new)",
]
OPENERS = [
    "hey, ", "hi, ", "please, ", "so ", "ok, ", "and ", "well, ", "quick question: ", "can you tell me ", "tell me, ",
    "i want to know ", "i would like to know, ", "sorry, ", "one more thing: ", "um, ", "dear guide, ", "just wondering, ",
]
CLOSERS = [" please", " thanks", " exactly", " here", " again", " then", " now", " anyway", " in cloister", ", please"]

# Ways to say the same; one of them is exchanged now and then, so that the model learns the sense and not the word.
SYNONYMS = [
    ["how do i", "how can i", "how to", "how would i", "what is the way to", "is there a way to", "i want to", "i need to", "can i"],
    ["what is", "what's", "what exactly is", "tell me what is", "so what is"], ["can you", "could you", "are you able to", "will you"],
    ["delete", "remove", "erase", "get rid of", "destroy"], ["passphrase", "password", "pass phrase", "secret phrase"],
    ["chats", "conversations", "messages", "talks"], ["chat", "conversation", "talk"], ["computer", "machine", "pc", "laptop", "device"],
    ["model", "llm", "ai model", "language model"], ["faster", "quicker", "speedier"], ["admin", "administrator", "sysadmin", "operator", "host"],
    ["stored", "saved", "kept", "recorded"], ["store", "save", "keep", "record"], ["api key", "api token", "access key", "key for programs"],
    ["forgot", "lost", "cannot remember", "do not remember", "no longer know"], ["change", "replace", "switch", "modify", "update"],
    ["make", "create", "generate", "set up"], ["read", "see", "look at", "view", "access"], ["private", "confidential", "secret"],
    ["use", "work with", "run", "try"], ["explain", "describe", "clarify", "tell me about"], ["data", "information", "stuff"],
    ["leave", "go out of", "get out of"], ["disk", "hard drive", "drive", "ssd"], ["send", "transmit", "upload", "pass on"],
    ["internet", "web", "network", "cloud"], ["terminal", "command line", "shell", "console"], ["different from", "unlike", "better than"],
    ["big", "large", "huge"], ["slow", "sluggish"], ["guess", "brute force", "crack"], ["start", "begin", "get going"],
    ["bad", "poor", "rubbish", "awful", "useless"], ["show", "display", "list"], ["load", "bring in", "add", "import"],
    ["phone", "tablet", "mobile"], ["lock", "close"], ["unlock", "open", "log in to"], ["happens", "goes on"], ["protect", "guard", "secure"],
]
# How names are written by people who write them well.
NAMES = {
    "cloister": "Cloister", "chatgpt": "ChatGPT", "ollama": "Ollama", "openai": "OpenAI", "python": "Python", "linux": "Linux",
    **{word: word.upper() for word in "ai llm llms gguf api gpu gpus cpu kv rag phi hipaa gdpr tls aes hpke hsm mfa kdf aead mpc lan ram pii".split()},
}
SYLLABLES = "ba be bi bo ca ce co da de di do fa fe fi ga ge go ha he ho ja ka ki la le li lo ma me mi mo na ne no pa pe pi po ra re ri ro sa se si so ta te ti to tra ver vin wal xen zor ston ber ling tion mark land ish er ic us".split()


def chosen(line: str, random: random.Random) -> str:
    """One reading of a line with choices: `(open|unlock) my vault`. An empty choice leaves its words out."""
    return " ".join(re.sub(r"\(([^()]*)\)", lambda m: random.choice(m[1].split("|")), line).split())


def normalised(question: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9 ]", " ", question.lower().replace("'", "")).split())


def read_sections(name: str):
    """Yields (intent, terms, answer, more, questions) of one text file; `more` is what is said when asked for more."""
    intent, terms, answer, more, questions = None, [], None, MORE, []
    for line in (HERE / "text" / name).read_text().splitlines() + ["## "]:
        if line.startswith("## "):
            if intent:
                yield intent, terms, answer, more, questions
            head = [part.strip() for part in line[3:].split("|")]
            intent, terms, answer, more, questions = head[0], head[1:], None, MORE, []
        elif line and not line.startswith("#"):
            if answer is None:
                answer = line.strip()
            elif line.startswith("> "):
                more = line[2:].strip()
            else:
                questions.append(line.strip())


def held_out() -> tuple[list[tuple[str, str]], list[str]]:
    pairs = [tuple(l.split("\t")) for l in (HERE / "heldout/paraphrases.tsv").read_text().splitlines()]
    return pairs, (HERE / "heldout/outside.txt").read_text().splitlines()


def load():
    """Returns answers by intent (and what follows them, as `intent:more`), questions by intent, the intents that are words, and the
    templates and lists of what to decline."""
    answers, questions, words = {}, {}, set()
    for name in ("product.txt", "talk.txt", "words.txt"):
        for intent, terms, answer, more, written in read_sections(name):
            answers[intent], answers[f"{intent}:more"] = answer, more
            questions[intent] = written + [t.format(term) for term in terms for t in WORD_TEMPLATES]
            if terms:
                words.add(intent)
    outside, lists = [], {}
    for line in (HERE / "text/outside.txt").read_text().splitlines():
        if line.startswith("@"):
            name, _, values = line[1:].partition(" ")
            lists[name] = [value.strip() for value in values.split("|")]
        elif line and not line.startswith("#"):
            outside.append(line)
    # Words that nobody taught are declined in the same forms that taught words are asked in.
    outside += [t.format("{thing}") for t in WORD_TEMPLATES]
    return answers, questions, words, outside, lists


def follow_ups() -> list[tuple[str, str, str, str]]:
    """Held-out second questions: the first's intent, the first, the second, the second's intent."""
    return [tuple(line.split("\t")) for line in (HERE / "heldout/follow_ups.tsv").read_text().splitlines()]


def forbidden() -> set[str]:
    pairs, outside = held_out()
    return {normalised(q) for _, q in pairs} | {normalised(q) for q in outside} | {normalised(second) for _, _, second, _ in follow_ups()}


def read_seconds() -> list[tuple[str, list[str], str]]:
    """Second questions that the first one gives their meaning: the intent meant, the intents asked first, the question."""
    rows = []
    for line in (HERE / "text/second.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            meaning, question = line.split(": ", 1)
            intent, firsts = meaning.split(" < ")
            rows.append((intent, firsts.split(", "), question))
    return rows


class Sampler:
    """Draws training conversations; the same seed draws the same ones. A held-out question is never drawn."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.answers, self.questions, self.words, self.outside, self.lists = load()
        self.forbidden = forbidden()
        self.intents = sorted(self.questions)
        self.seconds = read_seconds()
        self.continued = [i for i in self.intents if self.answers[f"{i}:more"] != MORE]

    def conversation(self) -> list[tuple[str, str]]:
        """One or two questions with answers; the second may ask for more of the first, or lean on it."""
        draw = self.random.random()
        if draw < 0.42:
            return [self.pair()]
        if draw < 0.74:
            question, answer = self.pair()
            return [self.pair(), (self.random.choice(LINKS) + question if self.random.random() < 0.6 else question, answer)]
        if draw < 0.84:
            intent, firsts, question = self.random.choice(self.seconds)
            second = self.unseen(lambda: self.vary(chosen(question, self.random), exchanges=1))
            return [self.asked(self.random.choice(firsts)), (second, self.answers[intent])]
        intent = self.random.choice(self.continued if self.random.random() < 0.8 else self.intents)
        return [self.asked(intent), (self.unseen(lambda: self.vary(chosen(self.random.choice(FOLLOW_UPS), self.random))), self.answers[f"{intent}:more"])]

    def pair(self) -> tuple[str, str]:
        if self.random.random() < 0.36:
            return self.unseen(lambda: self.vary(self.fill(chosen(self.random.choice(self.outside), self.random)), exchanges=2)), DECLINE
        return self.asked(self.random.choice(self.intents))

    def asked(self, intent: str) -> tuple[str, str]:
        exchanges = 0 if intent in self.words else 2
        question = lambda: self.vary(chosen(self.random.choice(self.questions[intent]), self.random), exchanges)
        return self.unseen(question), self.answers[intent]

    def unseen(self, draw) -> str:
        """A question that is none of the held-out ones."""
        while normalised(question := draw()) in self.forbidden:
            pass
        return question

    def fill(self, template: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda m: self.word(m[1]), template)

    def word(self, kind: str) -> str:
        """A word of a list, or one that nobody knows: what was never heard of is declined too."""
        r = self.random
        if kind != "number" and r.random() < 0.35:
            return " ".join("".join(r.choices(SYLLABLES, k=r.randint(2, 4))) for _ in range(r.choice((1, 1, 1, 2))))
        other = r.choice(sorted(self.lists)) if r.random() < 0.15 else kind
        return r.choice(self.lists[other])

    def exchanged(self, question: str) -> str:
        groups = [(group, term) for group in SYNONYMS for term in group if f" {term} " in f" {question} "]
        if not groups:
            return question
        group, term = self.random.choice(groups)
        return f" {question} ".replace(f" {term} ", f" {self.random.choice(group)} ", 1).strip()

    def vary(self, question: str, exchanges: int = 0) -> str:
        r = self.random
        words = question.split()
        if len(words) > 4 and r.random() < 0.1:
            del words[r.randrange(len(words))]
        question = " ".join(words)
        for _ in range(exchanges):
            if r.random() < 0.35:
                question = self.exchanged(question)
        if r.random() < 0.6:
            question = re.sub(r"[a-z]+", lambda m: NAMES.get(m[0], m[0]), question)
        if r.random() < 0.22:
            question = r.choice(OPENERS) + question
        if r.random() < 0.12:
            question += r.choice(CLOSERS)
        if len(question) > 6 and r.random() < 0.15:
            question = self.misspelt(question)
        if r.random() < 0.45:
            question = question[0].upper() + question[1:]
        if r.random() < 0.5:
            question += r.choice(["?", "?", "?", ".", "!", " ?", "??"])
        return question

    def misspelt(self, text: str) -> str:
        r, i = self.random, self.random.randrange(1, len(text) - 1)
        kind = r.randrange(3)
        if kind == 0:
            return text[:i] + text[i + 1:]
        if kind == 1:
            return text[:i] + text[i + 1] + text[i] + text[i + 2:]
        return text[:i] + text[i] + text[i:]
