"""Plans that are wrong, each with the message's line, field, value and remedy."""

from __future__ import annotations

from pathlib import Path

from bad_input.case import CHECK, PLAN, TWIN, Case, Make, both, content, edit, nothing
from bad_input.material import plan_text


def plan(what: str, old: str, new: str, at: str, field: str, value: str, remedy: str) -> Case:
    """`old` stands once in the plan; the message names the first line that holds `at` after it became `new`."""
    return Case("plan", what, edit(PLAN, old, new), CHECK, PLAN, field, value, remedy, at=at)


def text(what: str, data: bytes | str, at: str, field: str, value: str, remedy: str) -> Case:
    """The whole file is another."""
    return Case("plan", what, content(PLAN, data), CHECK, PLAN, field, value, remedy, at=at)


def renamed(folder: Path) -> None:
    """The folder of the study has another name than the plan says."""
    (folder / "studies" / "toy").rename(folder / "studies" / "mine")


def without_leaf(folder: Path) -> None:
    """The plan says nothing of one leaf."""
    path = folder / PLAN
    head, tail = path.read_text().split("  validation.model.form:\n")
    path.write_text(head + tail.split("\n", 4)[4])


def criterion(what: str, old: str, new: str, at: str, field: str, value: str, remedy: str) -> Case:
    """Something in the one numeric criterion."""
    where = "factors.verification.code.numerical_code_verification.criteria.0"
    return plan(what, old, new, at, f"{where}{field}", value, remedy)


def envelope(what: str, old: str, new: str, at: str, field: str, value: str, remedy: str) -> Case:
    """Something in the operating envelope."""
    return plan(what, old, new, at, f"context_of_use.envelope.0.{field}", value, remedy)


def setting(what: str, old: str, new: str, at: str, field: str, value: str, remedy: str) -> Case:
    """A setting of an analysis."""
    return plan(what, old, new, at, f"analyses.{field}", value, remedy)


def waiver(expires: str, field: str, remedy: str, what: str) -> Case:
    """A waiver of one leaf."""
    leaf = "  validation.model.form:\n    goal: b\n"
    added = f"{leaf}    waiver:\n      reason: r\n      approver: a\n{expires}"
    return plan(what, leaf, added, "expires" if expires else "waiver:", field, "", remedy)


BOMB = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
BOM: Make = both(content(PLAN, b"\xef\xbb\xbf" + plan_text().encode()), edit(PLAN, "seed: 1", "sead: 1"))

CASES = (
    plan("typo in a field", "seed: 1", "sead: 1", "sead", "sead", "'sead'", "did you mean seed"),
    plan("field that nobody knows", "seed: 1", "seed: 1\nzzz: 1", "zzz", "zzz", "'zzz'", "a field that is known here"),
    plan("field left out", "title: A toy\n", "", "schema", "title", "None", "add this field"),
    plan("text left empty", "title: A toy", "title: ''", "title", "title", "''", "text that is not empty"),
    plan("number as text", "seed: 1", "seed: '1'", "seed", "seed", "'1'", "a whole number in plain digits"),
    plan("text as a number", "title: A toy", "title: 7", "title", "title", "7", 'in quotes, as "1"'),
    plan("octal number", "seed: 1", "seed: 0o17", "seed", "seed", "'0o17'", "a whole number in plain digits"),
    plan("number with underscore", "seed: 1", "seed: 1_000", "seed", "seed", "'1_000'", "a whole number in plain"),
    plan("sexagesimal number", "seed: 1", "seed: 1:30", "seed", "seed", "'1:30'", "a whole number in plain digits"),
    plan("negative seed", "seed: 1", "seed: -1", "seed", "seed", "-1", "0 or more"),
    plan("seed that is no number", "seed: 1", "seed: .nan", "seed", "seed", "'.nan'", "a finite number"),
    plan("edition of another time", "'1.0'", "'9.9'", "schema", "schema_version", "'9.9'", "one of '1.0'"),
    plan("key written twice", "title: A toy", "title: A\ntitle: B", "title: B", "title", "'title'", "stands in line 3"),
    plan("anchor and alias", "statement: s", "statement: &a s", "&a", "anchor", "'a'", "the value written out"),
    plan("tag that calls code", "population: p", "population: !!python/name:os.system x", "!!py", "tag", "",
         "a value without a tag"),
    plan("tab as indent", "  population: p", "\tpopulation: p", "\t", "syntax", "", "blanks (no tabs) indent"),
    plan("bracket left open", "hazards:", "hazards: [a, b", "- id", "syntax", "", "brackets and quotes are closed"),
    text("bomb of aliases", BOMB, "a0", "anchor", "'a0'", "aliases (*) are refused"),
    text("nested 40 deep", "a: " + "[" * 40 + "]" * 40, "a:", "nesting", "25", "at most 24 levels"),
    text("10 MB", b"a: " + b"x" * 10_000_000, "", "size", "10000003", "at most 1000000 bytes"),
    text("not UTF-8", b"title: A\nstudy: na\xefve\n", "study", "encoding", "b'\\xef'", "text in UTF-8"),
    text("UTF-16", "title: A".encode("utf-16"), "", "encoding", "b'\\xff'", "text in UTF-8"),
    text("NUL byte", b"title: A\nstudy: \x00\n", "study", "text", "'\\x00'", "without control characters"),
    text("empty file", "", "", "document", "None", "fields below it"),
    text("list instead of fields", "- a\n- b\n", "- a", "document", "...", "fields below it"),
    Case("plan", "typo behind a byte order mark", BOM, CHECK, PLAN, "sead", "'sead'", "did you mean seed", at="sead"),
    Case("plan", "folder of another name", renamed, "plan check studies/mine", "studies/mine/plan.yaml", "study",
         "'toy'", "mine, the name of its folder", at="study: toy"),
    plan("rival of a twin without any", "twin: toy", "twin: toy/other", "twin:", "rival", "'other'",
         "none: toy has no rivals"),
    plan("unknown twin", "twin: toy", "twin: toyy", "twin:", "twin", "'toyy'", "did you mean toy"),
    plan("unknown cohort", "cohort: toy", "cohort: boy", "cohort: boy", "cohort", "'boy'", "did you mean toy"),
    plan("unknown profile", "vv40_2018", "vv40_2081", "vv40", "profile.ladders", "'vv40_2081'",
         "did you mean vv40_2018"),
    plan("profile of another kind", "ladders: vv40_2018", "ladders: risk_matrix", "ladders", "profile.ladders",
         "'risk_matrix'", "an edition that there is: vv40_2018"),
    plan("risk that is no level", "level: high", "level: huge", "huge", "risk.decision_consequence.level", "'huge'",
         "one of 'low', 'medium' or 'high'"),
    plan("more held out than the card says", "patients: 2", "patients: 3", "patients: 3", "splits.held_out_patients",
         "3", "2, the rule of the data card toy"),
    plan("another salt than the card's", "salt: toy/", "salt: boy/", "salt", "splits.salt", "'boy/'",
         "'toy/', the rule"),
    Case("plan", "leaf left out", without_leaf, CHECK, PLAN, "factors", "'22 rows'", "add validation.model.form",
         at="factors:"),
    plan("unknown leaf", "  validation.model.form:", "  validation.model.from:", "model.from", "factors",
         "'validation.model.from'", "did you mean validation.model.form"),
    plan("goal that the ladder lacks", "  validation.model.form:\n    goal: b", "  validation.model.form:\n    goal: h",
         "goal: h", "factors.validation.model.form.goal", "'h'", "a rung: a ="),
    waiver("      expires: 2027-02-30\n", "waiver.expires", "a day that exists, as YYYY-MM-DD", "waiver until no day"),
    waiver("", "waiver.expires", "add this field", "waiver without an end"),
    plan("unknown analysis", "  filter_exactness:", "  filter_exactnes:", "analysis: filter", "analysis",
         "'filter_exactness'",
         "an analysis of this plan; did you mean filter_exactnes"),
    plan("analysis that is not installed", "  sensitivity:", "  sensitivty:", "sensitivty", "analyses", "'sensitivty'",
         "did you mean sensitivity"),
    criterion("typo in a metric", "mean_difference", "mean_diference", "metric", ".metric", "'mean_diference'",
              "did you mean mean_difference"),
    criterion("metric of another analysis", "mean_difference", "mdape", "metric", ".metric", "'mdape'",
              "a value that filter_exactness reports"),
    criterion("criterion in another unit", "unit: '1'\n      rationale", "unit:  mg/L\n      rationale", "unit:  mg/L",
              ".unit", "'mg/L'", "1, the unit of mean_difference"),
    criterion("criterion without a threshold", "      value: 0.001\n", "", "kind: numeric", ".value", "None",
              "add this"),
    criterion("threshold as text", "value: 0.001", "value: '<1 %'", "<1 %", ".value", "'<1 %'", "no unit, as 17.3"),
    criterion("infinite threshold", "value: 0.001", "value: .inf", ".inf", ".value", "'.inf'", "a finite number"),
    criterion("bound that gets easier with fewer", "statistic: point", "statistic: lower95", "lower95", ".statistic",
              "'lower95'", "gets easier with fewer patients"),
    criterion("comparison that there is not", "op: <=", "op: =<", "=<", ".op", "'=<'", "one of '<', '<='"),
    criterion("kind of criterion that there is not", "kind: numeric", "kind: number", "kind: number", ".kind",
              "'number'", "one of 'numeric', 'judgement'"),
    envelope("envelope with low above high", "low: 0.5", "low: 5", "low: 5", "low", "5.0", "a number below high, 4"),
    envelope("weight in mg/L", "unit: kg", "unit:  mg/L", "unit:  mg/L", "unit", "'mg/L'", "dimension of 'kg'"),
    envelope("unit that nobody knows", "unit: kg", "unit: kilos?", "kilos?", "unit", "'kilos?'", "a unit such as"),
    envelope("negative weight", "low: 0.5", "low: -0.5", "low: -0.5", "low", "-0.5", "as valid: 0.3 to 6 kg"),
    envelope("infinite weight", "high: 4", "high: .inf", "high: .inf", "high", "'.inf'", "a finite number"),
    envelope("weight in grams, called kg", "high: 4", "high: 4000", "high: 4000", "high", "4000.0",
             "valid: 0.3 to 6 kg"),
    setting("two envelopes that disagree", "- 4.0", "- 3.0", "        weight:", "cohort.settings.envelope.weight",
            "[0.5, 3.0]", "[0.5, 4.0] kg, as context_of_use.envelope says"),
    setting("unknown covariate in an envelope", "        weight:\n        - 0.5", "        weigth:\n        - 0.5",
            "weigth", "cohort.settings.envelope", "'weigth'", "weight"),
    setting("unknown covariate in groups", "covariate: weight", "covariate: wieght", "wieght",
            "cross_validation.settings.groups.0.covariate", "'wieght'", "weight"),
    setting("number written out", "folds: 2", "folds: five", "folds", "cross_validation.settings.folds", "'five'",
            "a whole number"),
    setting("one fold", "folds: 2", "folds: 1", "folds", "cross_validation.settings.folds", "1", "2 or more"),
    setting("half a fold", "folds: 2", "folds: 2.5", "folds", "cross_validation.settings.folds", "2.5",
            "a whole number"),
    setting("no cases", "cases: 2", "cases: 0", "cases: 0", "filter_exactness.settings.cases", "0", "1 or more"),
    setting("setting of one budget out of range", "resamples: 400", "resamples: 4", "resamples: 4",
            "cross_validation.full.resamples", "4", "100 or more"),
    setting("typo in a setting", "folds: 2", "fold: 2", "fold:", "cross_validation.settings.fold", "'fold'",
            "did you mean folds"),
    setting("setting left out", "settings:\n      use:\n        scenario: trough\n        dose_mg: 20.0\n",
            "settings:  # here\n", "# here", "sensitivity.settings.use", "None", "add this field"),
    setting("independence without a reason", "        independent: as the population model has them\n", "", "inputs:",
            "sensitivity.settings.inputs.independent", "None", "Unexplained independence is refused"),
    setting("an input without a status", "rest: both", "CL: both", "status:",
            "sensitivity.settings.inputs.status", "['CL']", "aleatory, epistemic or both for V"),
    setting("unknown scenario", "scenario: trough", "scenario: through", "through", "sensitivity.settings.use.scenario",
            "'through'", "trough"),
    setting("setting of a scenario of the wrong type", "dose_mg: 20.0", "dose_mg: 20.0\n        low: yes", "low: yes",
            "sensitivity.settings.use.low", "'yes'", "true or false"),
    setting("setting of a scenario left out", "        dose_mg: 20.0\n", "", "      use:", "sensitivity.settings.use",
            "None", "add dose_mg"),
    Case("plan", "plan lock of a wrong plan", edit(PLAN, "mean_difference", "mean"), "plan lock toy", PLAN, "metric",
         "'mean'", "a value that filter_exactness reports", at="metric"),
    Case("plan", "run of a wrong plan", edit(PLAN, "folds: 2", "folds: x"), "run toy", PLAN, "folds", "'x'",
         "a whole number", at="folds"),
    Case("plan", "no twin file", lambda folder: (folder / TWIN).unlink(), CHECK, PLAN, "twin", "'toy'",
         "a twin beside the plan, in ./twins", at="twin:"),
    Case("plan", "diff of a plan that was never locked", nothing, "plan diff toy", PLAN, "lock", "None",
         "vvuq plan lock STUDY"),
)  # fmt: skip
