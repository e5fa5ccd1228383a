"""A study for tests of the command line, in the place of all that could be opened."""

from test_run import analysis, order, sealed, study_of

from vvuq.credibility.lock import lock, lock_path


def use_toy(folder, monkeypatch):
    """A function that makes the command line see the study "toy" alone; its plan is locked unless `locked` says no."""

    def use(*analyses, data=None, locked=True):
        study = study_of(folder, *(analyses or (analysis(order), analysis(sealed))), data=data)
        if locked:
            lock(study.plan, study.path, "a better plan" if lock_path(study.path).exists() else "")
        monkeypatch.setattr("vvuq.run.study.open_study", lambda where: study)
        return study

    return use
