"""The chain against numbers that others computed or measured; one physics has no other judge."""

from __future__ import annotations

import json
import xml.etree.ElementTree as tree

import numpy as np
import pytest
from oracles import ENGINES
from strategies import CURVES, PROFILES, Case, run

from refnms.jit import HAVE_NUMBA
from refnms.physics import compiled, engine, reference
from refnms.physics.curves import spline_curve
from refnms.physics.excitation import matching_rows
from refnms.physics.profiles import NATIVE, ceinms_0_9
from refnms.physics.solve import plain_curves
from refnms.physics.stencils import timeline
from refnms.physics.types import Curves, Flag, Muscles, System

BOTH = [pytest.param(reference, id="reference")]
if HAVE_NUMBA:
    BOTH.append(pytest.param(compiled, id="compiled"))

# ---- CEINMS 0.9, built from its source, on inputs given by formulas: rows 1 and 2 of its output

T = np.round(np.arange(100) * 0.005, 9)
EMG_TIME = np.round(-0.05 + np.arange(700) * 0.001, 9)
EMG = np.round(
    np.column_stack(
        [
            0.4 + 0.38 * np.sin(9 * EMG_TIME),
            0.3 + 0.35 * np.sin(14 * EMG_TIME + 1),
            0.5 + 0.55 * np.sin(7 * EMG_TIME + 2),
        ]
    ),
    9,
)
LENGTH = np.round(
    np.column_stack(
        [
            0.338 + 0.02 * np.sin(8 * T),
            0.42 + 0.025 * np.sin(6 * T + 2),
            0.307 + 0.012 * np.sin(10 * T + 1),
        ]
    ),
    9,
)
ARM = np.zeros((100, 3, 2))
ARM[:, 0, 0] = 0.04 + 0.005 * np.sin(8 * T)
ARM[:, 1, 0] = -0.03 + 0.004 * np.cos(6 * T + 2)
ARM[:, 1, 1] = 0.02 + 0.005 * np.sin(8 * T)
ARM[:, 2, 1] = -0.045 + 0.004 * np.cos(6 * T + 2)
ARM = np.round(ARM, 9)
MUSCLES = Muscles(
    c1=np.array([-0.5, -0.6, -0.2]),
    c2=np.array([-0.4, -0.3, -0.7]),
    shape_factor=np.array([-1.5, -0.5, -2.0]),
    optimal_fiber_length=np.array([0.09, 0.11, 0.05]),
    pennation_angle_at_optimal=np.array([0.30, 0.05, 0.44]),
    tendon_slack_length=np.array([0.25, 0.31, 0.26]),
    max_isometric_force=np.array([1500.0, 900.0, 3000.0]),
    max_contraction_velocity=np.array([10.0, 10.0, 8.0]),
    strength_coefficient=np.array([1.1, 0.9, 1.2]),
    electromechanical_delay=np.full(3, 0.015),
    fiber_damping=np.array([0.1, 0.1, 0.05]),
    percentage_change=np.full(3, 0.15),
)
ACTIVATION = [[0.5179745016, 0.6030965415, 1.0], [0.526538101, 0.610073172, 1.0]]
PIECEWISE = [[0.4071139081, 0.5863575324, 1.0], [0.4138511569, 0.5928673323, 1.0]]
STIFF_LENGTH = [
    [0.09193144598, 0.1328462433, 0.06094015863],
    [0.0926973189, 0.1325242281, 0.06123204571],
]
ELASTIC_LENGTH = [
    [0.08744667904, 0.1256371309, 0.05369490263],
    [0.08761766756, 0.1255665428, 0.05371526772],
]
STIFF_OFFLINE = {
    "velocity": [
        [0.1531577077, -0.06236758891, 0.06075123959],
        [0.1531500749, -0.06642820114, 0.05597978657],
    ],
    "force": [[1276.016419, 422.0361533, 4416.669239], [1304.203849, 416.3108261, 4326.103334]],
    "moment": [[37.67705625, -197.6613229], [39.20150756, -193.9351064]],
}
STIFF_ONLINE = {
    "velocity": [[0, 0, 0], [0.153174584, -0.06440304525, 0.05837741557]],
    "force": [[812.3570421, 545.4140688, 3060.253878], [1304.235438, 420.1979942, 4354.213846]],
}
ELASTIC_ONLINE = {
    "velocity": [[0, 0, 0], [0.03419770467, -0.01411761642, 0.004073017767]],
    "force": [[789.3989179, 528.7430708, 3294.195009], [948.3260678, 503.2098906, 3449.890985]],
    "moment": [[14.83352575, -143.1473882], [22.13420101, -151.196724]],
}
PIECEWISE_MOMENT = [[8.383696641, -143.38552], [15.25241625, -151.4370095]]


def system_of(curves, line, profile, rigid=False, piecewise=False):
    plain = plain_curves(curves, profile.root)
    fixed = profile.start, profile.root, profile.node_tolerance
    return System(curves, line, *fixed, rigid=rigid, plain=plain, piecewise=piecewise)


def ceinms_chain(of, profile, rigid, muscles=MUSCLES, piecewise=False):
    """Activation, fiber length, velocity, force and moment of CEINMS's example."""
    rows, lead = matching_rows(EMG_TIME, T, muscles.electromechanical_delay[0])
    system = system_of(CURVES, timeline([T], [lead], profile), profile, rigid, piecewise)
    case = Case(system, np.array(muscles), np.clip(EMG[rows], 0.0, 1.0), LENGTH)
    (_, a, l, v, force), _ = run(of, case)
    moment = np.einsum("tm,tmd->td", force, ARM)
    return {"activation": a, "length": l, "velocity": v, "force": force, "moment": moment}


def assert_digits(found, expected, digits=9):
    """The first two rows, to the digits that were printed."""
    np.testing.assert_allclose(found[:2], expected, rtol=10.0**-digits, atol=1e-15)


@pytest.mark.parametrize("of", BOTH)
@pytest.mark.parametrize(("online", "golden"), [(False, STIFF_OFFLINE), (True, STIFF_ONLINE)])
def test_ceinms_example_with_a_stiff_tendon(of, online, golden):
    found = ceinms_chain(of, ceinms_0_9(online), rigid=True)
    assert_digits(found["activation"], ACTIVATION)
    assert_digits(found["length"], STIFF_LENGTH)
    for name, expected in golden.items():
        assert_digits(found[name], expected)


@pytest.mark.parametrize("of", BOTH)
def test_ceinms_example_with_an_elastic_tendon_follows_its_brent_path(of):
    found = ceinms_chain(of, ceinms_0_9(online=True), rigid=False)
    assert_digits(found["length"], ELASTIC_LENGTH)
    for name, expected in ELASTIC_ONLINE.items():
        assert_digits(found[name], expected, digits=8)


@pytest.mark.parametrize("of", BOTH)
def test_the_exact_root_is_further_from_the_printed_length_than_brents_path(of):
    """Else the test above would not show which path was taken."""
    found = ceinms_chain(of, ceinms_0_9(online=True, tolerance=0.0), rigid=False)
    off = np.abs(found["length"][:2] - ELASTIC_LENGTH)
    assert 1e-9 < off.max() < 1e-6


@pytest.mark.parametrize("of", BOTH)
def test_ceinms_example_with_the_piecewise_activation(of):
    muscles = MUSCLES._replace(shape_factor=np.full(3, 0.05))
    profile = ceinms_0_9(online=True)
    found = ceinms_chain(of, profile, False, muscles, piecewise=True)
    assert_digits(found["activation"], PIECEWISE)
    assert_digits(found["moment"], PIECEWISE_MOMENT, digits=8)


CURVE_NAMES = ("activeForceLength", "passiveForceLength", "forceVelocity", "tendonForceStrain")


# ---- rat soleus, maximally stimulated and pulled (Krylow and Sandercock 1997) ----

ISOMETRIC = 1.17  # [N] measured; errors are relative to it
# Mean error from 0.3 s on, trials of growing amplitude, that the data's README states for a model
# of its own (natural splines, another time integration); ours must come as close.
README = [0.029, 0.0455, 0.0462, 0.0589, 0.0633, 0.0928]
AMPLITUDES = ["0.05", "0.1", "0.25", "0.5", "1.0", "2.0"]


def storage(path):
    lines = path.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip() == "endheader") + 2
    return np.array([line.split() for line in lines[start:] if line.strip()], float)


@pytest.fixture(scope="module")
def rat(shared):
    folder = shared / "rat_soleus"
    p = json.loads((folder / "pack.json").read_text())["parameters"]
    points = json.loads((folder / "curves_ceinms2.json").read_text())
    curves = Curves(*(spline_curve(points[name]["x"], points[name]["y"]) for name in CURVE_NAMES))
    numbers = [0.0, 0.0, -1.0, p["optimal_fibre_length_m"], p["pennation_rad"]]  # no filter
    numbers += [p["tendon_slack_length_m"], p["max_isometric_force_N"]]
    numbers += [p["max_contraction_velocity_lo_per_s"], p["strength_coefficient"], 0.0]
    numbers += [p["damping"], p["percentage_change"]]
    return folder, curves, Muscles(*(np.array([x]) for x in numbers))


SOLEUS = [(profile, trial) for profile in ("native", "online") for trial in range(1, 7)]


@pytest.mark.parametrize(("profile", "trial"), SOLEUS)
def test_the_rat_soleus_is_followed_as_closely_as_by_others(rat, profile, trial):
    of, profile = engine.pick(), PROFILES[profile]
    folder, curves, muscles = rat
    table = storage(folder / f"trial{trial}_amp{AMPLITUDES[trial - 1]}mm.sto")
    measured = storage(folder / f"trial{trial}_force_measured.sto")
    time, length = table[:, 0], np.ascontiguousarray(table[:, 1:2])
    system = system_of(curves, timeline([time], [0], profile), profile)
    case = Case(system, np.array(muscles), np.ones_like(length), length)
    signals, flags = run(of, case)
    force = signals.tendon_force
    assert not (flags & (Flag.FAILED | Flag.FELL_BACK | Flag.FLOOR)).any()
    later = measured[measured[:, 0] > 0.3]  # before, the stimulation builds up
    error = np.mean(np.abs(np.interp(later[:, 0], time, force[:, 0]) - later[:, 1])) / ISOMETRIC
    assert error < 0.1  # Millard et al. 2013 report up to 8.9 %
    near = 0.0003 if profile is NATIVE else 0.004  # fifteen points smooth the velocity
    np.testing.assert_allclose(error, README[trial - 1], atol=near)


# ---- real gait: both engines on the lengths and EMG of CEINMS's own runs ----


def column_names(path):
    lines = path.read_text().splitlines()
    return lines[[line.strip() for line in lines].index("endheader") + 1].split()[1:]


@pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")
@pytest.mark.parametrize("trial", ["walk36_a", "run81_a"])
@pytest.mark.parametrize(
    "profile", [NATIVE, ceinms_0_9(True, 0.0), ceinms_0_9(False, 0.0)], ids=["nat", "on", "off"]
)
def test_both_engines_agree_on_measured_gait(shared, trial, profile):
    folder = shared / "ceinms09" / "s06"
    root = tree.parse(folder / "subject.xml").getroot()
    units = root.find("mtuSet").findall("mtu")
    points = {
        curve.findtext("name").strip(): [
            np.array(curve.findtext(tag).split(), float) for tag in ("xPoints", "yPoints")
        ]
        for curve in root.iter("curve")
    }
    curves = Curves(*(spline_curve(*points[name]) for name in CURVE_NAMES))
    fields_and_tags = """
        c1 c1 c2 c2 shape_factor shapeFactor optimal_fiber_length optimalFibreLength
        pennation_angle_at_optimal pennationAngle tendon_slack_length tendonSlackLength
        max_isometric_force maxIsometricForce strength_coefficient strengthCoefficient
    """.split()
    tags = dict(zip(fields_and_tags[::2], fields_and_tags[1::2], strict=True))
    rest = {"max_contraction_velocity": 10.0, "electromechanical_delay": 0.08}
    rest |= {"fiber_damping": 0.1, "percentage_change": 0.15}
    fields = {
        field: np.array([float(unit.findtext(tag)) for unit in units])
        for field, tag in tags.items()
    }
    fields |= {field: np.full(len(units), number) for field, number in rest.items()}
    muscles = Muscles(**fields)
    names = [unit.findtext("name").strip() for unit in units]
    table = storage(folder / trial / "lmt.sto")
    columns = [column_names(folder / trial / "lmt.sto").index(name) + 1 for name in names]
    length, time = np.ascontiguousarray(table[:, columns]), table[:, 0]
    emg = storage(folder / trial / "emg.sto")
    rows, lead = matching_rows(emg[:, 0], time, 0.08)
    excitation = np.clip(emg[rows][:, 1 + np.arange(len(names)) % (emg.shape[1] - 1)], 0.0, 1.0)
    system = system_of(curves, timeline([time], [lead], profile), profile)
    (ours, flags), (theirs, wanted) = (
        run(of, Case(system, np.array(muscles), excitation, length)) for of in (compiled, reference)
    )
    for first, second in zip((*ours, flags & ~1), (*theirs, wanted & ~1), strict=True):
        peak = np.max(np.abs(first), axis=0)
        assert (np.abs(first - second) <= ENGINES * np.maximum(peak, 1e-300)).all()
