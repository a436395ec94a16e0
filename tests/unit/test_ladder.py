"""The ladder of a promise: how it is read, and how a clock that goes on from another keeps what was done."""

from sla.steps import STANDARD, carry_over, parse_steps, working_seconds

WARN, BREACH, CALL = STANDARD


def test_an_empty_ladder_is_the_standard_one_and_another_is_put_in_order():
    assert parse_steps([]) == parse_steps(None) == STANDARD
    late = {"kind": "escalate", "to": "manager", "after_seconds": 60}
    assert parse_steps([late, BREACH, WARN]) == [WARN, BREACH, late]


def test_a_step_is_taken_at_a_share_of_the_target_or_after_it():
    assert working_seconds(WARN, target_seconds=1000) == 750
    assert working_seconds({"after_seconds": 60}, target_seconds=1000) == 1060


def test_a_clock_that_goes_on_from_another_does_not_repeat_what_was_done():
    early = WARN | {"at_percent": 50}
    assert carry_over([], onto=[early, WARN, BREACH]) == ([early, WARN, BREACH], 0)
    assert carry_over([WARN], onto=[early, WARN, BREACH]) == ([early, WARN, BREACH], 1)
    assert carry_over([WARN, BREACH, CALL], onto=[CALL | {"at_percent": 90}, BREACH]) == (
        [CALL | {"at_percent": 90}, BREACH],
        2,
    )
    # What was done comes first, although the new ladder has it later than what was not.
    assert carry_over([BREACH], onto=[early, BREACH, CALL]) == ([BREACH, early, CALL], 1)
