"""Words that a command line cannot make sense of."""

from __future__ import annotations

from bad_input.case import PLAN, STORE, Case, both, content, nothing
from bad_input.material import TABLE, TWIN

LINE = "command line"


def words(what: str, command: str, field: str, value: str, remedy: str) -> Case:
    """A command that is wrong in itself."""
    return Case("command line", what, nothing, command, LINE, field, value, remedy)


def onto(what: str, option: str, place: str) -> Case:
    """An output that would replace what is kept."""
    command = f"{'report' if option == '--out' else 'gate'} toy {option} {place}"
    return words(what, command, option, f"'{place}'", "a file of its own; not a folder, a store, a plan or a lock")


def own(what: str, data: str, where: str, field: str, value: str, remedy: str) -> Case:
    """A study made around a twin of one's own and this table."""
    makes = content("twins/toy.py", TWIN), content("own.csv", data) if data else nothing
    command = "new study mine --twin toy --data own.csv"
    return Case("command line", what, both(*makes), command, where, field, value, remedy)


CASES = (
    words("no command", "", "COMMAND", "required", "help: vvuq --help"),
    words("unknown command", "gat toy", "COMMAND", "'gat'", "did you mean gate?"),
    words("command of another group", "check toy", "COMMAND", "'check'", "did you mean vvuq plan check?"),
    words("unknown command of a group", "plan chek toy", "COMMAND", "'chek'", "did you mean check?"),
    words("unknown option", "gate toy --jnit f.xml", "unrecognized", "'--jnit'", "did you mean --junit?"),
    words("option of another command", "run toy --junit f.xml", "unrecognized", "'--junit'", "help: vvuq run --help"),
    words("option with two letters swapped", "new study mine --form toy", "--form", "", "did you mean --from?"),
    words("value that is no choice", "run toy --budget ful", "--budget", "'ful'", "did you mean full?"),
    words("format that there is not", "report toy --format pdf", "--format", "'pdf'", "choose from"),
    words("study left out", "run", "STUDY", "required", "help: vvuq run --help"),
    words("value of an option left out", "run toy --only", "--only", "expected one argument", "help: vvuq run --help"),
    words("empty study", "run ''", "argument", "''", "give it a value, or leave it out"),
    words("empty store", "gate toy --store ''", "--store", "''", "give it a value, or leave it out"),
    words("two studies", "run toy boy", "unrecognized", "'boy'", "help: vvuq run --help"),
    words("unknown study", "run tyo", "STUDY", "'tyo'", "did you mean toy?"),
    words("path that does not exist", "gate studies/boy", "STUDY", "'studies/boy'", "the path of its folder"),
    words("folder without a plan", "run studies", "STUDY", "'studies'", "a folder with a plan.yaml"),
    words("name of endless length", f"run {'x' * 5000}", "STUDY", "'xxx", "a path that can be read"),
    words("unknown analysis", "run toy --only cohrt", "--only", "'cohrt'", "did you mean cohort?"),
    words("clash of STUDY and --schema", "plan check toy --schema", "--schema", "STUDY", "not allowed with"),
    words("clash of format and name", "report toy --format json --out page.html", "--out", "'page.html'",
          "a file name that ends in .json"),
    words("clash of two outputs", "gate toy --junit one.xml --summary ./one.xml", "--summary", "'./one.xml'",
          "another file than that of --junit"),
    words("clash of a store and --store", f"verify {STORE} --store {STORE}", "--store", f"'{STORE}'", "left out"),
    onto("page onto the store", "--out", STORE),
    onto("page onto the plan", "--out", PLAN),
    onto("page onto a folder", "--out", "studies"),
    onto("page onto the lock", "--out", "studies/toy/plan.lock.json"),
    onto("verdicts onto the store", "--junit", STORE),
    onto("summary onto the data card", "--summary", "studies/toy/data/toy.yaml"),
    words("page into a file as its folder", "report toy --out studies/toy/toy.py/page.html", "--out",
          "toy.py/page.html'",
          "a file in a folder that can be written"),
    words("page that does not exist", "verify none.html", "PATH", "'none.html'", "a dossier"),
    words("study made under a taken name", "new study toy --from toy", "NAME", "'toy'", "a name that is free"),
    words("study made outside of its folder", "new study ../toy --from toy", "NAME", "'../toy'", "letters, digits"),
    words("study made from none", "new study mine --from boy", "STUDY", "'boy'", "did you mean toy?"),
    Case("command line", "study made where a file stands", content("studies/mine", "a file"),
         "new study mine --from toy",
         LINE, "NAME", "'mine'", "a name that is free"),
    words("study from two sources", "new study mine --from toy --twin toy", "new study", "'mine'",
          "either --from STUDY"),
    own("study around a table that is not there", "", "own.csv", "", "'own.csv'", "a file that can be read"),
    own("study around an empty table", " ", "own.csv", "", "''", "the file is empty"),
    own("study around a table of other columns", "PATIENT,WHEN\n1,2\n", "own.csv, line 1", "header", "'PATIENT, WHEN'",
        "a column for time"),
    own("study around a table with a negative dose", TABLE.replace("b,0,30", "b,0,-30"), "own.csv, line 6, column AMT",
        "dose amount", "'-30'", "an amount above 0"),
    words("twin made outside of its folder", "new twin ../x", "NAME", "'../x'", "beginning with a letter"),
    words("twin made under a shipped name", "new twin pk", "NAME", "'pk'", "another name"),
    words("forecast of nobody", "forecast toy --at 2d14:30", "--patient", "required", "help: vvuq forecast --help"),
    words("what-if without an action", "whatif toy --patient a --at 5", "--give, --withhold", "None", "at least one"),
    Case("command line", "forecast by a twin that follows nobody", nothing, "forecast toy --patient a --at 5",
         "twin toy", "follow", "None", "a Follow: how its patients are tracked"),
    words("schema of nothing", "plan check", "STUDY", "--schema", "is required"),
)  # fmt: skip
