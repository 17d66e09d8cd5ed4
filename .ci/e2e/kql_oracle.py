"""What our KQL parser accepts and refuses, compared with Microsoft's own (npm @kusto/language-service-next, run by
Node.js): whole queries, how we write them, and thousands that were broken by deleting, doubling, swapping or
replacing a token.

Where the two differ on broken queries (KQL_ORACLE=file writes those down): what stands within `graph-match` and the
like is not read by us; `where a = 1`, `int(abc)` and `typeof()` are refused by us at once, and by them only when names
are bound; operators without a table before them, and `[0].a`, mean nothing and pass there; a few words that stand as
the value of an option pass here."""

import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import tempfile

import support
from support import ROOT

PACKAGE = "@kusto/language-service-next@12.4.1"
OWN = ROOT / "query" / "kql" / "syntax" / "tests-data" / "queries.kql"
# Microsoft's documentation and the rules of Sentinel, where they are at hand; else the queries of our own tests.
OTHERS = [ROOT.parent / "shared" / "conformance" / name for name in ("kql_docs.json", "sentinel_queries.json")]
MUTATIONS = 4000
SEED = 7

ORACLE = """
const folder = process.argv[2] + "/node_modules/@kusto/language-service-next/";
require(folder + "bridge.min.js");
require(folder + "Kusto.Language.Bridge.min.js");
const lines = require("fs").readFileSync(0, "utf8").split("\\n").filter((line) => line.length);
for (const line of lines) {
  const found = Kusto.Language.KustoCode.Parse(JSON.parse(line)).GetSyntaxDiagnostics();
  const said = [];
  const count = System.Array.getCount(found, Kusto.Language.Diagnostic);
  for (let at = 0; at < count; at++) {
    said.push(System.Array.getItem(found, at, Kusto.Language.Diagnostic).Message);
  }
  console.log(JSON.stringify(said.length ? said.join("; ") : null));
}
"""

TOKEN = re.compile(
    r"""//[^\n]*|```.*?```|h?@"(?:[^"]|"")*"|h?@'(?:[^']|'')*'|h?"(?:\\.|[^"\\\n])*"|h?'(?:\\.|[^'\\\n])*'"""
    r"""|\w+(?:-\w+)*|\s+|==|=~|!~|!=|<=|>=|<>|\.\.|=>|.""",
    re.S,
)
# What a token is replaced by, apart from the other tokens of the query.
WORDS = "( ) [ ] , . | ; = == * - and or by in has on to with asc let T 1 'x' 1d dynamic count where".split()


def ours(queries):
    """What our parser says about each: its mistakes (None if it is accepted), and how we write it."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    command = [target / "debug" / "examples" / "parse"]
    said = answers(command, queries)
    return [answer.get("mistakes") for answer in said], [answer.get("printed") for answer in said]


def theirs(folder, queries):
    return answers(["node", folder / "oracle.js", folder], queries)


def answers(command, queries):
    lines = "".join(json.dumps(query) + "\n" for query in queries)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(said) == len(queries), (len(said), len(queries), done.stderr[-500:])
    return said


def install(folder):
    """Microsoft's parser in a folder of ours; False where there is no Node.js."""
    if not shutil.which("node") or not shutil.which("npm"):
        return False
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), PACKAGE]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=600)
    (folder / "oracle.js").write_text(ORACLE)
    return True


def corpus():
    if all(path.is_file() for path in OTHERS):
        cases = [case["query"] for path in OTHERS for case in json.loads(path.read_text())]
        return cases + own()
    print("  the queries of others are not here: mutations are of our own", flush=True)
    return own()


def own():
    return [query.strip() for query in OWN.read_text().split("\n====\n")]


def mutated(queries, count):
    """Queries with one token deleted, doubled, swapped with the next, or replaced."""
    draw = random.Random(SEED)
    while count:
        tokens = TOKEN.findall(draw.choice(queries))
        solid = [at for at, token in enumerate(tokens) if token.strip() and not token.startswith("//")]
        if len(solid) < 3:
            continue
        place = draw.randrange(len(solid) - 1)
        at, after = solid[place], solid[place + 1]
        kind = draw.randrange(4)
        if kind == 0:
            tokens[at] = ""
        elif kind == 1:
            tokens[at] += " " + tokens[at]
        elif kind == 2:
            tokens[at], tokens[after] = tokens[after], tokens[at]
        else:
            tokens[at] = draw.choice([*WORDS, tokens[draw.choice(solid)]])
        count -= 1
        yield "".join(tokens)


def differences(queries, left, right):
    return [(query, a, b) for query, a, b in zip(queries, left, right) if (a is None) != (b is None)]


def body(checks):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if not install(folder):
            print("  skipped: Node.js and npm are not here")
            checks.check("our own queries are read", not any(ours(own())[0]))
            return
        refused = [query for query, said in zip(own(), theirs(folder, own())) if said is not None]
        checks.check("the queries of our tests are right", not refused, refused)
        queries = corpus()
        said, printed = ours(queries)
        whole = differences(queries, said, theirs(folder, queries))
        checks.check(f"of {len(queries)} queries, both accept the same", not whole, whole[:3])
        printed = [query for query in printed if query is not None]
        refused = [(query, said) for query, said in zip(printed, theirs(folder, printed)) if said is not None]
        checks.check(f"of {len(printed)} that we write, they accept all", not refused, refused[:3])
        broken = list(mutated(queries, MUTATIONS))
        (said, _), expected = ours(broken), theirs(folder, broken)
        different = differences(broken, said, expected)
        share = 1 - len(different) / len(broken)
        refused = sum(answer is not None for answer in expected)
        name = f"of {len(broken)} broken ones, of which they refuse {refused}, {share:.2%} are judged the same"
        checks.check(name, share >= 0.97, [query for query, _, _ in different[:3]])
        if os.environ.get("KQL_ORACLE"):
            lines = (json.dumps({"query": query, "ours": a, "theirs": b}) for query, a, b in different)
            pathlib.Path(os.environ["KQL_ORACLE"]).write_text("\n".join(lines))


support.run("kql: what is accepted and what is refused, as Microsoft's parser has it", body)
