"""Every text a user or a colleague reads is in plain words: messages, help, templates, docstrings, comments and pages.

    python tests/test_words.py [PATH ...]        # list what is left in these files or folders (default: all of them)

A finding names the file, the line, the idiom and what to write instead. To add an idiom, add a line to IDIOMS and a
sentence to SAMPLES. To keep a text that a pattern flags by mistake, make the pattern more precise: no file is exempt.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "tellapart"
CODE = sorted([*SOURCE.rglob("*.py"), *SOURCE.rglob("*.pyi"), *(ROOT / "benchmarks").glob("*.py")])
TEMPLATES = sorted(path for kind in ("html", "md", "js", "txt") for path in SOURCE.rglob(f"*.{kind}"))
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
SCRIPTS = sorted(path for path in (ROOT / "scripts").iterdir() if path.is_file())

SPLIT = "train|training|validation|test|held-out|given|missing"
IDIOMS = [
    # pattern (a blank matches any white space, a line break included), what to write instead
    (r"(?<!\bthere\s)\b(?:is|are|was|were) no\b(?! (?:longer|more|less|fewer|\w+er than)\b)", '"is not a ..."'),
    (r"(?<!\bthere\s)\b(?:is|are|was|were) (?-i:none)\b(?! of\b)", '"is not ...", or the value itself'),
    (r"\b(?:anew|afresh|once more)\b", '"again", "from scratch", "re-encoded"'),
    (r"\b(?:told|tells)\b(?! (?:\w+ ){0,4}apart\b)", '"reports", "warns", "prints", "shows"'),
    (r"\b(?:is|are|was|were|be|been) said\b|\bsa(?:ys?|id|ying) so\b|\bunless said\b", '"is printed", "warns"'),
    (r"\bso (?:many|much|few)\b", "the number itself"),
    (r"\b(?:go|goes|going|gone|went) on\b", '"resume", "continue"'),
    (r"\bbr(?:oke|oken|eak|eaks|eaking) off\b", '"interrupted", "stopped"'),
    (r"\bbegun\b", '"started"'),
    (r"\b(?:learnt|burnt|spelt|spoilt|dreamt|leapt|leant)\b", '"trained on", or the form in -ed'),
    (r"\btaught\b", '"trained on"'),
    (r"\bask(?:s|ed|ing)? (?:\w+ ){0,3}about\b", '"evaluated on"'),
    (r"\btorn\b|\btears?\b", '"split across"'),
    (r"\bshow(?:s|n|ing|ed)? the same\b", '"duplicates", "near-duplicates"'),
    (r"\bto the eye\b", '"near-duplicates"'),
    (r"(?<!matplotlib\s)\b(?-i:figures?|Figures)\b", '"metric", "result", "value" (a drawing: "matplotlib figure")'),
    (r"\bflatter(?:s|ed|ing)?\b", '"is optimistic"'),
    (r"\blooks at\b|\blook number\b|\b(?:is|are|was|were|be|been) looked at\b", '"evaluations on the test split"'),
    (
        r"\b(?:one|two|three|four|five|six|\d+|a|another|further|single|first|second|every|more) looks?\b(?! like\b)",
        '"evaluation", "view"',
    ),
    (rf"\b(?:{SPLIT}|no|its) parts?\b", '"split"'),
    (r"\bthe parts?\b(?! (?:of|that|they|it|you|which)\b)", '"split"'),
    (r"\bthe parts? of (?:every|each) picture\b|\bpart folders?\b", '"split"'),
    (r"\b(?:in|into|from|across|between|of) (?:an?|one|each|every|several|different|other|both|which) parts?\b(?! of\b)"
     r"|\ba part of its own\b|\bacross parts\b", '"split"'),
    (r"\bunfamiliar\b|\bstrange\b|\bnovelty\b", '"out-of-distribution"'),
    (r"\bordinary\b", '"in-distribution", "regular"'),
    (r"\btwins?\b", '"ONNX copy", "copy"'),
    (r"\bset(?:s|ting)?[ -](?:\w+ ){0,3}aside\b", '"skipped"'),
    (r"\ba person(?:'s)?\b|\b(?:whoever|nobody|somebody)\b", '"you", "the user", "by default"'),
    (r"\b(?:lies?|lay|lying|stands?|stood|standing) (?:beside|next to)\b", '"is in the same folder as"'),
    (r"\bof (?:theirs|ours|yours|mine|his|hers)\b", '"their", "our", "your"'),
    (r"\bof use\b", '"useful", "needed"'),
    (r"\A(?:correct it|name it so|give it|fill them|add both)\Z", 'an empty string: "what to do" adds nothing here'),
]  # fmt: skip
_BLANK = r"(?:[ \\t]*\\n[ \\t]*|[ \\t]+)"
PATTERNS = [(re.compile(re.sub(r" (?![-\]])", _BLANK, idiom), re.IGNORECASE), instead) for idiom, instead in IDIOMS]


class Text(NamedTuple):
    """A text and the line of its file on which it starts."""

    line: int
    words: str


class Finding(NamedTuple):
    """An idiom on a line, in its surroundings, and what to write instead."""

    line: int
    idiom: str
    excerpt: str
    instead: str


def prose(text):
    """The text with code, addresses, tags and template statements blanked out; its lines stay where they are."""

    def blank(match):
        return re.sub(r"[^\n]", "…", match[0])

    for pattern in (
        r"\{[{%#].*?[#%}]\}",
        r"`[^`\n]*(?:\n[^`\n]+)?`",
        r"\]\([^)]*\)",
        r"https?://\S+",
        r"<[a-zA-Z/!][^<>]*>",
    ):
        text = re.sub(pattern, blank, text, flags=re.DOTALL)
    return text


def idioms_in(texts):
    """The findings in some texts, by line."""
    found = set()
    for start, words in texts:
        text = prose(words)
        for pattern, instead in PATTERNS:
            for match in pattern.finditer(text):
                line = start + text.count("\n", 0, match.start())
                around = " ".join(words[max(match.start() - 40, 0) : match.end() + 40].split())
                found.add(Finding(line, " ".join(match[0].split()), around, instead))
    return sorted(found)


def is_key(value):
    """Whether a string is one word: an identifier, a key, a path or a pattern."""
    return not re.search(r"\s", value.strip())


def messages(path):
    """All strings of a Python file but docstrings and keys; what an f-string inserts is left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {id(node) for node in _docstrings(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in ast.walk(node) if part is not node and isinstance(part, ast.Constant)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            yield Text(
                node.lineno, "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
            )
            for part in node.values:  # what is inserted may hold texts too, as in f"{'yes' if x else 'so many'}"
                for inner in ast.walk(part) if isinstance(part, ast.FormattedValue) else ():
                    if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and not is_key(inner.value):
                        yield Text(inner.lineno, inner.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not is_key(node.value):
            yield Text(node.lineno, node.value)


def docstrings(path):
    """The docstrings of a Python file, those below its constants and fields included."""
    for node in _docstrings(ast.parse(path.read_text(encoding="utf-8"))):
        yield Text(node.lineno, node.value)


def _docstrings(tree):
    for node in ast.walk(tree):
        for statement in getattr(node, "body", None) or () if not isinstance(node, (ast.Lambda, ast.IfExp)) else ():
            value = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value


def comments(path):
    """The comments of a Python file; those on lines that follow each other are one text."""
    last, lines, start = -1, [], 0
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type != tokenize.COMMENT:
            continue
        if token.start[0] != last + 1 and lines:
            yield Text(start, "\n".join(lines))
            lines = []
        start = start if lines else token.start[0]
        lines.append(token.string.lstrip("# "))
        last = token.start[0]
    if lines:
        yield Text(start, "\n".join(lines))


def page(path):
    """A Markdown page; of its code blocks only the comments."""
    lines, inside = [], False
    for line in path.read_text(encoding="utf-8").splitlines():
        fence = line.lstrip().startswith("```")
        inside ^= fence
        lines.append("" if fence else re.sub(r"^.*?(?:(?:^|\s)#\s|$)", "", line) if inside else line)
    return [Text(1, "\n".join(lines))]


def whole(path):
    """A file as it is."""
    return [Text(1, path.read_text(encoding="utf-8"))]


def notes(path):
    """Docstrings and comments."""
    return [*docstrings(path), *comments(path)]


def report(path, texts):
    """The findings in a file, a line each."""
    return [
        f"{path.relative_to(ROOT)}:{one.line}: {one.idiom!r} in '... {one.excerpt} ...': write {one.instead}"
        for one in idioms_in(texts)
    ]


def check(path, texts):
    """Fail with the findings, where there are any."""
    if lines := report(path, texts):
        pytest.fail("\n" + "\n".join(lines), pytrace=False)


def name(path):
    """The file's path in the repository."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", CODE, ids=name)
def test_messages(path):
    check(path, messages(path))


@pytest.mark.parametrize("path", CODE, ids=name)
def test_docstrings_and_comments(path):
    check(path, notes(path))


@pytest.mark.parametrize("path", [*TEMPLATES, *SCRIPTS], ids=name)
def test_templates_and_scripts(path):
    check(path, whole(path))


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_pages(path):
    check(path, page(path))


def test_help():
    code = (
        "import contextlib, sys\nfrom tellapart.cli.main import main\nfrom tellapart.verbs import names\n"
        "for words in ([], *([name] for name in names())):\n    sys.argv = ['tellapart', *words, '--help']\n"
        "    with contextlib.suppress(SystemExit): main()\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={"COLUMNS": "1000", "TERMINAL_WIDTH": "1000", "PATH": "", "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert "--max-error-rate" in shown.stdout
    lines = [f"--help: {one.idiom!r} in '... {one.excerpt} ...': write {one.instead}" for one in
             idioms_in([Text(1, shown.stdout)])]  # fmt: skip
    assert not lines, "\n" + "\n".join(lines)


SAMPLES = [
    "X is no PNG file", "the values are no numbers", "holds numbers that are none", "the file is read anew",
    "train it afresh", "Evaluate once more", "this is told before training", "the line tells how", "that is said",
    "where the run says so", "keeps errors at so much", "so many models", "the run goes on", "gone on with",
    "a training broken off", "a run that was begun", "what it learnt", "what it was taught",
    "asked about the rest", "groups that are torn", "two pictures show the same", "copies to the eye",
    "the figures are good", "the figure flatters", "the model looks at it", "the test split was looked at",
    "this is look number 3", "averaged over six looks", "there is a test part", "took no part in it",
    "the part is empty",
    "copies in several parts", "a part of its own", "the part of every picture", "an unfamiliar picture",
    "a strange picture", "an ordinary one", "its novelty", "its ONNX twin", "pictures set aside", "a set-aside picture",
    "sets unreadable pictures aside", "a person's pictures", "whoever opens it", "nobody knows",
    "no run lies beside it", "the baseline stands beside it", "a folder of yours", "where it is of use",
    "correct it", "the data\n  gives its parts", "what is\nno number",
]  # fmt: skip
GOOD = [
    "There is no test split, and there are none to cut it from.", "It is no longer needed and is no more than 3 MiB.",
    "A part of the picture decides; this is part of the network. The library reads the part it needs.",
    "Look at the heat maps: the picture looks like a cat.", "tellapart tells cats and dogs apart.",
    "It returns a matplotlib figure, see Figure 3 of the paper.", "Each process of its own; the value is None.",
    "The pictures are not in any class folder, so they are skipped.", "MLP stands for multilayer perceptron.",
    "Continue on the GPU; the values of this split are printed.", "`is no` {{ torn }} <figure> [x](figures.md)",
    "Ask the user for a name, and set the threshold.", "The metric lies between 0 and 1.",
]  # fmt: skip


@pytest.mark.parametrize("sentence", SAMPLES)
def test_an_idiom_is_found(sentence):
    assert idioms_in([Text(1, sentence)])


@pytest.mark.parametrize("sentence", GOOD)
def test_plain_words_pass(sentence):
    assert idioms_in([Text(1, sentence)]) == []


def test_every_pattern_has_a_sample():
    for pattern, _ in PATTERNS:
        assert any(pattern.search(sentence) for sentence in SAMPLES), pattern.pattern


def test_a_finding_names_its_line(tmp_path):
    path = tmp_path / "sample.py"
    path.write_text(
        '"""Fine.\n\nRead anew."""\n\nkeys = ["part", "so_many"]\nX = f"{len(keys)} is no\\n number"\n# torn\n'
    )
    assert [one.line for one in idioms_in(docstrings(path))] == [3]
    assert [one.line for one in idioms_in(messages(path))] == [6]
    assert [one.line for one in idioms_in(comments(path))] == [7]
    path.write_text("Text\n```bash\ntellapart so many  # told\n```\nis\nno number\n")
    assert [(one.line, one.idiom) for one in idioms_in(page(path))] == [(3, "told"), (5, "is no")]


if __name__ == "__main__":
    wanted, findings = [Path(word).resolve() for word in sys.argv[1:]] or [ROOT], []
    kinds = [(CODE, lambda path: [*messages(path), *notes(path)]), ([*TEMPLATES, *SCRIPTS], whole), (PAGES, page)]
    for paths, read in kinds:
        for path in paths:
            if any(path.is_relative_to(place) for place in wanted):
                findings += report(path, read(path))
    print("\n".join(findings))
    sys.exit(bool(findings))
