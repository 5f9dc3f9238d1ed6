from __future__ import annotations

import threading
import time

import pytest

from simcheck.parallel import ordered


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_results_come_in_the_order_of_the_items(threads):
    def slow_first(item: int) -> int:
        time.sleep(0.002 * (item % 5 == 0))
        return item * item

    assert list(ordered(slow_first, range(60), threads)) == [item * item for item in range(60)]


@pytest.mark.parametrize("threads", [1, 3])
def test_items_are_taken_as_they_are_needed(threads):
    taken = []

    def items():
        for item in range(1000):
            taken.append(item)
            yield item

    results = ordered(lambda item: item, items(), threads)
    assert next(results) == 0
    assert len(taken) <= threads + 2
    results.close()


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_in_the_work_comes_out_and_all_threads_end(threads):
    before = threading.active_count()

    def work(item: int) -> int:
        if item == 5:
            raise ValueError("five")
        return item

    with pytest.raises(ValueError, match="five"):
        list(ordered(work, range(100), threads))
    assert threading.active_count() == before


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_in_the_items_comes_out_and_all_threads_end(threads):
    before = threading.active_count()

    def items():
        yield 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(ordered(lambda item: item, items(), threads))
    assert threading.active_count() == before


def test_one_thread_is_the_callers():
    assert list(ordered(lambda _: threading.current_thread(), [1, 2], 1)) == [threading.current_thread()] * 2
    assert threading.current_thread() not in set(ordered(lambda _: threading.current_thread(), [1, 2], 2))


def test_no_items():
    assert list(ordered(lambda item: item, [], 2)) == []
