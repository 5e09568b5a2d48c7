"""From a vector to a model and back: groups, bounds, and everything that is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from people import person, seeds

from refnms.autodiff import check_jacobian, vjp
from refnms.errors import InputError
from refnms.parameters import Free, Packing
from refnms.physics.types import Muscles

MODEL = person(1, muscles=4)
NAMES = MODEL.muscle_names
ALL = (NAMES,)


def row(field: str) -> int:
    return Muscles._fields.index(field)


def test_by_itself_every_muscle_has_its_own_number():
    packing = Packing(MODEL, [Free("c1", (-0.99, -0.01)), Free("shape_factor", (-3.0, -1e-4))])
    assert packing.names == [f"{f} of {m}" for f in ("c1", "shape_factor") for m in NAMES]
    np.testing.assert_array_equal(packing.start[:4], MODEL.muscles.c1)
    np.testing.assert_array_equal(packing.start[4:], MODEL.muscles.shape_factor)
    np.testing.assert_array_equal(packing.lower, [-0.99] * 4 + [-3.0] * 4)
    np.testing.assert_array_equal(packing.upper, [-0.01] * 4 + [-1e-4] * 4)


def test_a_group_shares_one_number_and_the_rest_keep_theirs():
    packing = Packing(MODEL, [Free("c2", (-0.99, -0.01), groups=((NAMES[0], NAMES[2]),))])
    assert packing.names == [f"c2 of {NAMES[0]} and 1 more"]
    table = packing.table(np.array([-0.3]))
    kept = MODEL.muscles.c2
    np.testing.assert_array_equal(table[row("c2")], [-0.3, kept[1], -0.3, kept[3]])
    others = [k for k in range(12) if k != row("c2")]
    np.testing.assert_array_equal(table[others], MODEL.table()[others])


def test_one_group_of_all_is_a_single_number():
    packing = Packing(MODEL, [Free("percentage_change", (0.0, 0.3), groups=ALL)])
    assert packing.start.shape == (1,)
    assert (packing.unpack(np.array([0.2])).muscles.percentage_change == 0.2).all()


def test_relative_bounds_are_multiples_of_the_value():
    packing = Packing(MODEL, [Free("tendon_slack_length", (0.85, 1.15), relative=True)])
    np.testing.assert_array_equal(packing.lower, 0.85 * MODEL.muscles.tendon_slack_length)
    np.testing.assert_array_equal(packing.upper, 1.15 * MODEL.muscles.tendon_slack_length)


def test_relative_bounds_of_a_group_are_those_of_its_first_muscle():
    group = (NAMES[2], NAMES[1])
    packing = Packing(
        MODEL, [Free("optimal_fiber_length", (0.9, 1.2), relative=True, groups=(group,))]
    )
    first = MODEL.muscles.optimal_fiber_length[2]
    assert (packing.lower, packing.start, packing.upper) == (0.9 * first, first, 1.2 * first)


def test_relative_bounds_of_a_negative_value_are_put_in_order():
    packing = Packing(MODEL, [Free("shape_factor", (0.5, 2.0), relative=True)])
    np.testing.assert_array_equal(packing.lower, 2.0 * MODEL.muscles.shape_factor)
    np.testing.assert_array_equal(packing.upper, 0.5 * MODEL.muscles.shape_factor)


def test_a_start_outside_its_bounds_is_moved_onto_them():
    packing = Packing(MODEL, [Free("strength_coefficient", (5.0, 6.0))])
    np.testing.assert_array_equal(packing.start, [5.0] * 4)
    assert packing.moved == packing.names
    weakest = float(MODEL.muscles.strength_coefficient.min())
    some = Packing(
        MODEL, [Free("c1", (-0.99, -0.01)), Free("strength_coefficient", (weakest, 9.0))]
    )
    assert some.moved == []
    some = Packing(MODEL, [Free("strength_coefficient", (weakest + 1e-9, 9.0))])
    assert some.moved == [some.names[int(MODEL.muscles.strength_coefficient.argmin())]]


def test_no_group_frees_nobody():
    packing = Packing(MODEL, [Free("c1", (-0.9, -0.1), groups=()), Free("c2", (-0.9, -0.1))])
    assert packing.names == [f"c2 of {name}" for name in NAMES]


def test_all_that_is_wrong_is_told_at_once():
    free = [
        Free("c3", (0.0, 1.0)),
        Free("c1", (-0.9, -0.1), groups=(("nobody",),)),
        Free("c1", (-0.9, -0.1), groups=((NAMES[0],), (NAMES[0],))),
        Free("c2", (-0.1, -0.9), groups=((NAMES[1],),)),
        Free("fiber_damping", (0.1, 0.1), groups=ALL),
        Free("strength_coefficient", (0.5, 2.0), groups=((NAMES[3], NAMES[3]),)),
    ]
    with pytest.raises(InputError) as caught:
        Packing(MODEL, free)
    texts = [str(p) for p in caught.value.problems]
    assert texts[0].startswith("no parameter is called 'c3'; there are c1, c2, shape_factor")
    assert texts[1] == "c1: no muscle is called 'nobody'"
    assert texts[2] == f"c1 of {NAMES[0]} is freed twice"
    assert texts[3].startswith(f"c2 of {NAMES[1]}: no room between bounds -0.1 and -0.9")
    assert "fiber_damping" in texts[4] and "no room" in texts[4]
    assert set(texts[5:]) == {f"strength_coefficient of {NAMES[3]} is freed twice"}


@pytest.mark.parametrize(
    ("field", "bounds", "message"),
    [
        ("strength_coefficient", (0.0, 2.0), "strength_coefficient is 0, must be above 0"),
        ("c1", (-1.5, -0.05), "c1 is -1.5, must not exceed 1 in size"),
        ("pennation_angle_at_optimal", (0.1, 20.0), "must be below a right angle"),
    ],
)
def test_bounds_beyond_what_can_be_are_refused(field, bounds, message):
    with pytest.raises(InputError) as caught:
        Packing(MODEL, [Free(field, bounds, groups=((NAMES[1],),))])
    (problem,) = caught.value.problems
    assert str(problem).startswith(f"at a bound, {NAMES[1]}: ") and message in str(problem)


def test_the_same_field_may_be_freed_for_different_muscles():
    free = [
        Free("c1", (-0.9, -0.1), groups=((NAMES[0],),)),
        Free("c1", (-0.5, -0.2), groups=(NAMES[1:3],)),
    ]
    packing = Packing(MODEL, free)
    np.testing.assert_array_equal(packing.index[row("c1")], [0, 1, 1, -1])


def test_nothing_free_is_nothing_to_pack():
    with pytest.raises(InputError, match="no parameter is free"):
        Packing(MODEL, [])


def test_entries_on_a_bound_are_named():
    packing = Packing(MODEL, [Free("c1", (-0.9, -0.1))])
    x = np.array([-0.9, -0.9 + 1e-3, -0.1, -0.1 - 1e-9])
    hits = [f"c1 of {NAMES[m]}" for m in (0, 2, 3)]
    assert packing.at_bounds(x) == hits
    assert packing.at_bounds(x, share=0.01) == packing.names


def test_a_bound_is_told_by_its_side():
    packing = Packing(MODEL, [Free("c1", (-0.9, -0.1))])
    assert packing.sides(np.array([-0.9, -0.5, -0.1, -0.95])) == ["lower", None, "upper", "lower"]


def test_the_place_of_an_entry_is_its_field_and_its_muscles():
    free = [Free("c1", (-0.9, -0.1), groups=(NAMES[1:3],)), Free("shape_factor", (-2.0, -0.1))]
    packing = Packing(MODEL, free)
    assert packing.place(0) == ("c1", NAMES[1:3])
    assert packing.place(4) == ("shape_factor", NAMES[3:4])


def test_which_fields_are_free_can_be_asked():
    packing = Packing(MODEL, [Free("electromechanical_delay", (0.0, 0.1), groups=ALL)])
    assert packing.frees("electromechanical_delay") and not packing.frees("c1")


@st.composite
def packings(draw: st.DrawFn) -> Packing:
    free: list[Free] = []
    for field in draw(st.lists(st.sampled_from(Muscles._fields), unique=True, min_size=1)):
        names = draw(st.permutations(NAMES))
        cut = draw(st.integers(1, len(NAMES)))
        some, each = (tuple(names[:cut]),), tuple((name,) for name in names[:cut])
        groups = draw(st.sampled_from([None, ALL, some, each]))
        free.append(Free(field, (0.9, 1.04), relative=True, groups=groups))
    somebody = person(1, muscles=4, pennation_angle_at_optimal=0.3)  # of 0 no multiple has room
    return Packing(somebody, free)


@given(packing=packings(), seed=seeds)
def test_unpacking_gives_every_muscle_of_a_group_its_number(packing, seed):
    x = np.random.default_rng(seed).uniform(packing.lower, packing.upper)
    table = packing.unpack(x).table()
    free = packing.index >= 0
    np.testing.assert_array_equal(table[free], x[packing.index[free]])
    np.testing.assert_array_equal(table[~free], packing.base[~free])
    assert len(packing.names) == len(x) == len(set(packing.names))


@given(packing=packings(), seed=seeds)
def test_the_table_is_linear_and_its_pullback_the_transpose(packing, seed):
    rng = np.random.default_rng(seed)
    table_bar, dx = rng.normal(size=(12, 4)), rng.normal(size=packing.start.shape)
    _, pullback = vjp(packing.table, packing.start)
    moved = packing.table(packing.start + dx) - packing.table(packing.start)
    np.testing.assert_allclose(pullback(table_bar)[0] @ dx, np.sum(table_bar * moved), atol=1e-12)


def test_the_table_passes_a_check_of_every_element():
    packing = Packing(MODEL, [Free("c1", (-0.9, -0.1), groups=ALL), Free("c2", (-0.9, -0.1))])
    check_jacobian(packing.table, packing.start).require()


def test_c1_and_c2_are_set_apart_only_where_they_are_equal_and_both_free():
    table = MODEL.table()
    table[:2] = -0.5
    table[0, 1] = -0.4
    model = MODEL.with_table(table)
    one = (NAMES[0], NAMES[1])
    packing = Packing(
        model,
        [
            Free("c1", (-0.9, -0.1), groups=tuple((n,) for n in one)),
            Free("c2", (-0.9, -0.1), groups=tuple((n,) for n in (*one, NAMES[2]))),
        ],
    )
    wanted = [-0.5 - 0.05 * 0.8, -0.4, -0.5 + 0.05 * 0.8, -0.5, -0.5]
    np.testing.assert_allclose(packing.apart(), wanted, rtol=1e-15)


def test_shared_coefficients_are_set_apart_once():
    model = MODEL.with_table(np.where(np.arange(12)[:, None] < 2, -0.5, MODEL.table()))
    packing = Packing(
        model, [Free("c1", (-0.9, -0.1), groups=ALL), Free("c2", (-0.9, -0.1), groups=ALL)]
    )
    np.testing.assert_allclose(packing.apart(), [-0.54, -0.46], rtol=1e-15)


def test_a_start_apart_stays_within_the_bounds():
    model = MODEL.with_table(np.where(np.arange(12)[:, None] < 2, -0.5, MODEL.table()))
    packing = Packing(
        model, [Free("c1", (-0.5, -0.1), groups=ALL), Free("c2", (-0.9, -0.5), groups=ALL)]
    )
    np.testing.assert_array_equal(packing.apart(), [-0.5, -0.5])


def test_the_entries_of_a_field_are_those_that_stand_for_it():
    packing = Packing(
        MODEL, [Free("c1", (-0.9, -0.1), groups=ALL), Free("strength_coefficient", (0.5, 2.0))]
    )
    count = len(NAMES)
    assert packing.entries("strength_coefficient") == tuple(range(1, count + 1))
    assert packing.entries("c1") == (0,) and packing.entries("c2") == ()
