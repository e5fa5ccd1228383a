"""A campaign gives what one call would, whatever cuts, runs and keeps it; a failed run costs one run."""

import numpy as np
import pytest
from campaign.made_up import Counted, Fails, Smooth, counted, counter, grid
from hypothesis import given
from hypothesis import strategies as st

from vvuq.campaign.campaign import Settings, run_campaign
from vvuq.campaign.chunks import Chunks
from vvuq.campaign.executors import Serial, Threads
from vvuq.campaign.policy import SKIP, STOP, Policy, replace, retry, worst_case
from vvuq.campaign.processes import Processes
from vvuq.campaign.progress import Pace, Progress
from vvuq.campaign.store import CampaignStore
from vvuq.errors import InputError, NotEvaluable

QUIET = Settings(code="code")
SKIPPING = Settings(code="code", policy=SKIP)


@pytest.fixture(scope="module")
def processes():
    with Processes(2) as made:
        yield made


class Shuffled(Serial):
    """Takes several tasks, and ends them in any order."""

    def __init__(self, seed, workers):
        super().__init__()
        self.workers, self._chance = workers, np.random.default_rng(seed)

    def has_room(self):
        return len(self._tasks) < self.workers

    def wait(self):
        self._chance.shuffle(self._tasks)
        return [
            end for _ in range(self._chance.integers(1, len(self._tasks) + 1)) for end in super(Shuffled, self).wait()
        ]


@given(
    n=st.integers(1, 300),
    outputs=st.integers(0, 3),
    workers=st.integers(1, 5),
    task=st.sampled_from([0.01, 0.1, 1.0]),
    seed=st.integers(0, 99),
    bad=st.lists(st.integers(0, 299), max_size=6, unique=True),
)
def test_order_and_chunks_do_not_matter(n, outputs, workers, task, seed, bad):
    points = grid(n)
    settings = Settings(code="c", policy=SKIP, task_seconds=task)
    with Shuffled(seed, workers) as executor:
        smooth = run_campaign(Smooth(outputs=outputs), points, executor=executor, settings=settings)
        fragile = run_campaign(Fails(tuple(map(float, bad)), outputs), points, executor=executor, settings=settings)
    np.testing.assert_array_equal(smooth.values, Smooth(outputs=outputs)(points))
    expected = np.where(np.isin(points[0], bad), np.nan, points[0])
    if len(fragile.reasons) < n:
        np.testing.assert_array_equal(fragile.values, [expected, -expected] if outputs else expected)
    assert sorted(fragile.reasons) == sorted(b for b in bad if b < n)
    assert (fragile.fresh, fragile.reused, fragile.failed) == (n, 0, len(fragile.reasons))


@pytest.mark.parametrize("outputs", [0, 1, 2])
def test_executors_give_the_same_bits(outputs, processes, tmp_path):
    points, function = grid(1500), Smooth(outputs=outputs)
    with Serial() as serial, Threads(2) as threads:
        for name, executor in (("s", serial), ("t", threads), ("p", processes)):
            found = run_campaign(function, points, store=tmp_path / name, executor=executor, settings=QUIET)
            again = run_campaign(function, points, store=tmp_path / name, executor=executor, settings=QUIET)
            assert (found.fresh, found.reused, again.fresh, again.reused) == (1500, 0, 0, 1500)
            assert found.values.tobytes() == again.values.tobytes() == function(points).tobytes()
            assert found.values.shape == again.values.shape == function(points).shape
            assert set(found.states) == {"done"} and found.reasons == {}


def test_one_exception_costs_one_run(tmp_path, processes):
    count = counter(tmp_path / "count")
    points, function = grid(700), Counted(count, at=123.0)
    for executor in (Serial(), processes):
        found = run_campaign(function, points, executor=executor, settings=SKIPPING)
        assert found.reasons == {123: "ValueError: a point that cannot be run"}
        assert (found.states[123], found.failed, found.fresh) == ("failed", 1, 700)
        expected = points[0] + 2.0 * points[1]
        expected[123] = np.nan
        np.testing.assert_array_equal(found.values, expected)


def test_every_run_fails():
    found = run_campaign(Fails((7.0,), 2), np.full((2, 5), 7.0), settings=SKIPPING)
    assert found.reasons == dict.fromkeys(range(5), "ZeroDivisionError: a bad point")
    np.testing.assert_array_equal(found.values, np.full(5, np.nan))


def test_stop_names_the_first_failure_and_keeps_what_ended(tmp_path):
    points = grid(200)
    with pytest.raises(NotEvaluable, match=r"run 150 of 200 failed: ZeroDivisionError: a bad point"):
        run_campaign(Fails((150.0,)), points, store=tmp_path / "s", settings=QUIET)
    with CampaignStore(tmp_path / "s") as store:
        assert store.counts()["failed"] == 1 and store.counts()["done"] >= 1
    found = run_campaign(Fails((150.0,)), points, store=tmp_path / "s", settings=SKIPPING)
    assert found.states[150] == "failed" and found.reused >= 2  # what failed is taken as it is


@pytest.mark.parametrize("then", [STOP, SKIP])
def test_retry_tries_again_and_replaces_a_failure_in_the_store(tmp_path, then):
    class Moody(Fails):
        """The bad point can be run the third time."""

        def __call__(self, points):
            try:
                return super().__call__(points)
            except ZeroDivisionError:
                calls[0] += points.shape[1] == 1
                if calls[0] < 3:
                    raise
                return points[0]

    calls, function, points = [0], Moody((2.0,)), grid(4)
    first = run_campaign(function, points, store=tmp_path / "s", settings=SKIPPING)
    assert first.states[2] == "failed" and calls == [1]
    settings = Settings(code="code", policy=retry(2, then))
    second = run_campaign(function, points, store=tmp_path / "s", settings=settings)
    assert (second.states[2], second.reused, calls) == ("done", 3, [3])
    third = run_campaign(function, points, store=tmp_path / "s", settings=QUIET)
    assert (third.reused, third.fresh, calls) == (4, 0, [3])


def test_retries_end_as_the_next_policy_says():
    assert run_campaign(Fails((2.0,)), grid(4), settings=Settings(policy=retry(3, SKIP))).failed == 1
    with pytest.raises(NotEvaluable, match="run 2 of 4"):
        run_campaign(Fails((2.0,)), grid(4), settings=Settings(policy=retry(3)))


def test_replace_draws_another_point_the_same_for_every_executor_and_resume(tmp_path, processes):
    points, drawn = grid(60), []

    def draw(column, number):
        drawn.append((column, number))
        return np.array([7.0 if number == 1 and column == 7 else 1000.0 * number + column, 0.0])

    settings = Settings(code="code", policy=replace(draw, 3))
    function = Fails((7.0, 20.0))
    for executor in (Serial(), processes, Serial()):
        found = run_campaign(function, points, store=tmp_path / "s", executor=executor, settings=settings)
        assert (found.replaced, found.failed, found.reasons) == (2, 0, {})
        assert found.points[:, 7].tolist() == [2007.0, 0.0] and found.values[7] == 2007.0
        assert found.points[:, 20].tolist() == [1020.0, 0.0] and found.values[20] == 1020.0
        assert sorted(drawn) == [(7, 1), (7, 2), (20, 1)]
        drawn.clear()
    assert (found.fresh, found.reused) == (0, 60)
    assert points[0, 7] == 7.0, "the caller's points stay"


def test_replacements_that_fail_stop_the_campaign():
    policy = replace(lambda column, number: np.array([3.0, 0.0]), 4)
    with pytest.raises(NotEvaluable, match=r"run 3 of 5 failed: ZeroDivisionError: a bad point .as did its 4"):
        run_campaign(Fails((3.0,)), grid(5), settings=Settings(policy=policy))


def test_a_net_is_not_patched():
    with pytest.raises(InputError, match="a net with another point in it is no net"):
        Settings(policy=replace(lambda column, number: np.zeros(2)), net=True)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Policy("ignore"), "stop, skip or replace"),
        (lambda: retry(-1), "0 to 100"),
        (lambda: Policy("replace"), "a function"),
        (lambda: Settings(task_seconds=5.0), "task_seconds"),
        (lambda: Threads(0), "1 to 1024"),
        (lambda: Processes(2, deadline=-1.0), "positive number of seconds"),
        (lambda: Processes(2, starting=np.nan), "positive number of seconds"),
        (lambda: run_campaign(Smooth(), np.zeros((2, 0))), "at least one each"),
        (lambda: run_campaign(Smooth(), np.zeros(3)), "a row an input"),
        (lambda: run_campaign(Smooth(), [["a"]]), "numbers"),
        (lambda: run_campaign(Smooth(), np.array([[1.0, np.nan]])), r"points\[:, 1\]"),
        (lambda: run_campaign(lambda p: p[0], np.ones((1, 3)), store="x.sqlite"), "one with key"),
        (lambda: run_campaign(lambda p: p[0, :1], np.ones((1, 3))), r"numbers \(3,\)|numbers \(2,\)"),
        (lambda: run_campaign(lambda p: "text", np.ones((1, 3))), "wanted are numbers"),
        (lambda: run_campaign(lambda p: p * 1j, np.ones((1, 3))), "wanted are numbers"),
        (lambda: run_campaign(lambda p: np.vstack([p] * p.shape[1]), np.ones((1, 30))), "one number of outputs"),
        (lambda: worst_case(np.ones(3), 2.0, 1.0), "low < high"),
        (lambda: worst_case(np.ones(3), 2.0, 3.0), "within 2 to 3"),
    ],
)
def test_what_is_wrong_is_named(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_a_replacement_has_to_be_a_point():
    with pytest.raises(InputError, match=r"a point \(2,\)"):
        run_campaign(Fails((1.0,)), grid(3), settings=Settings(policy=replace(lambda column, number: np.zeros(3))))


@pytest.mark.parametrize(
    "function",
    [
        lambda points: points[0] + points.shape[1],
        lambda points: points[0] - points[0].mean(),
        lambda points: points[0] + np.random.default_rng().random(points.shape[1]),
    ],
)
def test_a_function_that_depends_on_more_than_its_point_is_refused(function):
    with pytest.raises(InputError, match="the same bits each time"):
        run_campaign(function, np.ones((1, 100)) * np.arange(100.0))


def test_a_key_that_leaves_a_setting_out_is_noticed(tmp_path):
    class Careless(Smooth):
        def key(self):
            return "smooth"

    points = grid(10) + 1.0
    run_campaign(Careless(1.0), points, store=tmp_path / "s", settings=QUIET)
    with pytest.raises(InputError, match="the same bits each time"):
        run_campaign(Careless(2.0), np.hstack([points, grid(100) + 1.5]), store=tmp_path / "s", settings=QUIET)
    with pytest.raises(InputError, match=r"key.. leaves out"):
        run_campaign(Careless(1.0, 2), grid(40) + 0.5, store=tmp_path / "s", settings=QUIET)


def test_the_bounds_of_the_worst_case():
    values = np.array([1.0, np.nan, 3.0, np.nan])
    low, high = worst_case(values, 0.0, 10.0)
    assert (low.tolist(), high.tolist()) == ([1.0, 0.0, 3.0, 0.0], [1.0, 10.0, 3.0, 10.0])
    assert np.isnan(values[1])


def test_progress_is_told(tmp_path):
    told = []
    count = counter(tmp_path / "count")
    settings = Settings(policy=SKIP, progress=told.append, task_seconds=0.05)
    run_campaign(Counted(count, 0.005, at=3.0), grid(150), settings=settings)
    assert counted(count) >= 149
    assert told[-1].done == told[-1].total == 150 and told[-1].failed == 1
    assert [one.done for one in told] == sorted(one.done for one in told) and len(told) >= 3
    assert str(told[-1]) == "150 of 150 runs, 1 failed"


def test_chunks_find_a_width_from_which_a_function_is_fast():
    """0.01 s a run below 16 columns abreast, 0.0001 s from there on; 0.1 s a chunk are wanted."""
    chunks, widths = Chunks(np.arange(20_000), 3, 1, 0.1), []
    while chunks:
        columns, regular = chunks.next()
        assert regular
        widths.append(columns.size)
        chunks.learn(columns.size, columns.size * (0.01 if columns.size < 16 else 0.0001))
    assert widths[:6] == [1, 4, 10, 40, 160, 640] and max(widths[6:]) == 1000
    assert sum(widths) == 20_000


def test_chunks_that_gain_nothing_by_their_width_stay_as_they_are():
    chunks, widths = Chunks(np.arange(2_000), 3, 1, 0.1), []
    while chunks:
        widths.append(chunks.next()[0].size)
        chunks.learn(widths[-1], 0.01 * widths[-1])
    assert widths[:4] == [1, 4, 10, 40] and set(widths[4:-1]) == {10}


def test_the_estimate_is_moved_little_by_a_task_that_waited():
    pace = Pace(2)
    assert pace.left(100) is None
    pace.add(1, 30.0)  # compiled
    for _ in range(4):
        pace.add(50, 0.1)
    assert pace.left(1000) == pytest.approx(1.0)
    said = [str(Progress(1, 9, 0, left)) for left in (None, 7.4, 600.0, 36000.0)]
    assert said == ["1 of 9 runs"] + [f"1 of 9 runs, {left} left" for left in ("7 s", "10 min", "10.0 h")]
