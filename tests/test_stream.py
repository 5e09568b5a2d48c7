from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from streams import PROFILES, Player, person, played, short

from refnms.errors import InputError
from refnms.jit import COMPILES
from refnms.model import PiecewiseActivation, RigidTendon, Trial
from refnms.physics.kernels import entry
from refnms.physics.profiles import NATIVE, ceinms_0_9
from refnms.simulation import simulate
from refnms.stream import Status, Stepper


def same(one, other):
    """To the bit; to rounding in the NumPy engine, which solves a whole trial at once."""
    if COMPILES:
        return np.array_equal(one, other)
    return np.allclose(one, other, rtol=1e-9, atol=1e-9 * np.max(np.abs(other)))


def variant(kind: str):
    model = person().true
    if kind == "rigid":
        return replace(model, tendon=RigidTendon())
    if kind == "piecewise":
        shaped = model.muscles._replace(shape_factor=np.full(16, 0.1))
        return replace(model, muscles=shaped, activation=PiecewiseActivation())
    if kind == "delays":
        delays = np.linspace(0.007, 0.09, 16)
        return replace(model, muscles=model.muscles._replace(electromechanical_delay=delays))
    return model


@pytest.mark.parametrize(
    ("profile", "kind"),
    [
        ("native", "as it is"),
        ("native", "rigid"),
        ("native", "piecewise"),
        ("native", "delays"),
        ("online", "as it is"),
        ("online", "rigid"),
    ],
)
def test_a_stream_has_the_bits_of_the_whole_run(profile, kind):
    model, trial = variant(kind), person().held_out[2]
    trial = short(trial) if profile == "online" else trial
    whole = simulate(model, trial, PROFILES[profile])
    player = Player(Stepper(model, PROFILES[profile]), trial)
    moments = player.all()
    # Beyond the last EMG sample the whole run knows that nothing follows.
    assert same(moments[:-1], whole.moment[:-1])
    assert np.abs(moments[-1] - whole.moment[-1]).max() < 1e-12
    if kind != "delays":
        for name in ("excitation", "neural_activation", "activation", "fiber_length",
                     "fiber_velocity", "tendon_force"):  # fmt: skip
            assert same(getattr(player.stepper, name), getattr(whole, name)[-1]), name


def test_frames_need_not_be_evenly_spaced(rng):
    trial = person().held_out[0]
    kept = np.sort(rng.choice(len(trial.time) - 1, 200, replace=False))
    fewer = replace(
        trial,
        time=trial.time[kept],
        musculotendon_length=trial.musculotendon_length[kept],
        moment_arm=trial.moment_arm[kept],
        moment=None,
    )
    assert same(played(person().true, fewer), simulate(person().true, fewer).moment)


def test_a_saved_stream_goes_on_as_if_nothing_had_been(tmp_path):
    trial = short(person().held_out[0])
    straight = played(person().true, trial)
    first = Player(Stepper(person().true), trial)
    for i in range(30):
        first.frame(i)
    np.save(tmp_path / "state.npy", first.stepper.save())
    second = Player(Stepper(person().true), trial)
    second.stepper.restore(np.load(tmp_path / "state.npy"))
    second.sample = first.sample
    assert np.array_equal([second.frame(i) for i in range(30, 60)], straight[30:])
    with pytest.raises(InputError, match="shape"):
        second.stepper.restore(np.zeros((1, 3)))


def test_participants_side_by_side_have_the_bits_of_each_alone():
    people = [person().true, person().generic]
    trial = short(person().held_out[0], 20)
    together = Stepper(people)
    for sample, time in enumerate(trial.emg_time):
        if time < trial.time[0]:
            together.push(time, np.stack([trial.emg[sample]] * 2))
    alone = [Stepper(model) for model in people]
    for stepper in alone:
        for sample, time in enumerate(trial.emg_time):
            if time < trial.time[0]:
                stepper.push(time, trial.emg[sample])
    for i, time in enumerate(trial.time):
        sample = np.searchsorted(trial.emg_time, time - 1e-9)
        given = trial.emg[sample], trial.musculotendon_length[i], trial.moment_arm[i]
        both = together.step(time, *(np.stack([part] * 2) for part in given))
        assert both.shape == (2, 3) and together.status.shape == (2,)
        for stepper, moment in zip(alone, both, strict=True):
            assert np.array_equal(stepper.step(time, *given), moment)
    assert not np.array_equal(both[0], both[1])
    assert np.array_equal(together.activation[1], alone[1].activation)


def test_a_frame_without_a_length_never_was():
    trial = short(person().held_out[0])
    skipped = [7, 8, 30]
    kept = np.setdiff1d(np.arange(60), skipped)
    fewer = Trial(
        "fewer", trial.time[kept], trial.musculotendon_length[kept], trial.moment_arm[kept],
        trial.emg_time, trial.emg,
    )  # fmt: skip
    torn = trial.musculotendon_length.copy()
    torn[skipped, 3] = np.nan
    player = Player(
        Stepper(person().true), replace(trial, musculotendon_length=trial.musculotendon_length)
    )
    object.__setattr__(player.trial, "musculotendon_length", torn)
    found = []
    for i in range(60):
        found.append(player.frame(i))
        assert player.stepper.status == (Status.SKIPPED if i in skipped else 0)
    assert same(np.array(found)[kept][:-1], simulate(person().true, fewer).moment[:-1])
    assert np.array_equal(found[7], found[6])


def test_a_channel_that_drops_out_keeps_its_last_value():
    trial = short(person().held_out[0])
    torn, held = trial.emg.copy(), trial.emg.copy()
    torn[60:70, 2], held[60:70, 2] = np.nan, trial.emg[59, 2]
    player = Player(Stepper(person().true), trial)
    object.__setattr__(player.trial, "emg", torn)
    statuses = []
    moments = []
    for i in range(60):
        moments.append(player.frame(i))
        statuses.append(int(player.stepper.status))
    assert set(statuses) == {0, int(Status.EMG_HELD)}
    want = simulate(person().true, replace(trial, emg=held)).moment
    assert same(moments[:-1], want[:-1])


def test_after_a_long_gap_the_muscles_begin_anew():
    trial, model = short(person().held_out[0]), person().true
    player = Player(Stepper(model), trial)
    for i in [*range(20), *range(40, 60)]:
        last = player.frame(i)
        assert player.stepper.status == (Status.RESTARTED if i == 40 else 0)
    fresh = Trial(
        "fresh", trial.time[40:], trial.musculotendon_length[40:], trial.moment_arm[40:],
        trial.emg_time, trial.emg,
    )  # fmt: skip
    assert np.abs(last - simulate(model, fresh).moment[-1]).max() < 1e-12


def test_time_that_does_not_go_on_is_refused_and_changes_nothing():
    trial = short(person().held_out[0])
    player = Player(Stepper(person().true), trial)
    for i in range(10):
        player.frame(i)
    before = player.stepper.save()
    player.frame(9)
    assert player.stepper.status == Status.LATE
    player.stepper.step(np.nan, None, trial.musculotendon_length[10], trial.moment_arm[10])
    assert player.stepper.status == Status.SKIPPED
    layout = player.stepper.save() != before
    player.stepper.restore(before)
    assert np.array_equal(player.frame(10), played(person().true, trial)[10])
    assert layout.sum() <= trial.musculotendon_length.shape[1] * 4  # the pose that was given


def test_emg_that_has_not_come_or_was_dropped_is_told():
    trial, model = short(person().held_out[0]), person().true
    bare = Stepper(model)
    bare.step(0.0, None, trial.musculotendon_length[0], trial.moment_arm[0])
    assert bare.status == Status.NO_EMG and not bare.moment.any()
    bare.push(-0.2, trial.emg[0])
    bare.step(0.0, None, trial.musculotendon_length[0], trial.moment_arm[0])
    assert bare.status == Status.EMG_AHEAD
    narrow = Stepper(model, emg_rate=20.0)
    for sample in range(20):
        narrow.push(-0.02 + 1e-3 * sample, trial.emg[sample])
    narrow.step(0.0, None, trial.musculotendon_length[0], trial.moment_arm[0])
    assert narrow.status == Status.EMG_LOST


def test_joint_angles_go_through_the_geometry():
    from geometry.people import CHOSEN, fitted, grid

    from refnms.synthetic import MUSCLES

    at = [MUSCLES.index(name) for name in CHOSEN]
    whole = person().true
    model = replace(
        whole,
        muscle_names=CHOSEN,
        muscles=type(whole.muscles)(*[p[at] for p in whole.muscles]),
        emg_to_muscle=whole.emg_to_muscle[at],
        crosses=whole.crosses[at],
    )
    angles = grid()[:40] + 0.01
    time, emg = 0.01 * np.arange(40), person().held_out[0].emg[:40]
    geometry = fitted().geometry
    stepper, other = Stepper(model, geometry=geometry), Stepper(model)
    length, arm = geometry.length(angles), geometry.moment_arm(angles)
    for i in range(40):
        moment = stepper.step_angles(time[i], emg[i], angles[i])
        assert same(moment, other.step(time[i], emg[i], length[i], arm[i]))
    assert moment.any()
    with pytest.raises(InputError, match="need a geometry"):
        other.step_angles(1.0, emg[0], angles[0])
    with pytest.raises(InputError, match="BRD"):
        Stepper(whole, geometry=geometry)


def inputs_of(trial):
    return trial.emg, trial.musculotendon_length, trial.moment_arm


@pytest.mark.parametrize(
    "kind",
    [
        np.ndarray.tolist,
        np.float32,
        np.asfortranarray,
        lambda array: np.repeat(array, 2, axis=0)[::2],
        lambda array: np.frombuffer(array.tobytes()).reshape(array.shape),  # read-only
    ],
)
def test_inputs_of_every_kind_are_taken(kind):
    model, trial = person().true, person().held_out[0]
    stepper, other = Stepper(model), Stepper(model)
    for i in range(5):
        frame = [np.float32(signal[i]).astype(float) for signal in inputs_of(trial)]
        moment = stepper.step(0.01 * i, *frame)
        assert np.array_equal(other.step(0.01 * i, *map(kind, frame)), moment)


def test_inputs_of_wrong_shapes_are_refused_and_change_nothing():
    model, trial = person().true, person().held_out[0]
    stepper = Stepper(model)
    right = [signal[0] for signal in inputs_of(trial)]
    stepper.step(0.0, *right)
    before = stepper.save()
    for i in range(3):
        wrong = list(right)
        wrong[i] = wrong[i][:-1]
        with pytest.raises(ValueError, match="broadcast"):
            stepper.step(0.01, *wrong)
        assert np.array_equal(stepper.save(), before)
    with pytest.raises(ValueError, match="broadcast"):
        stepper.step(0.01, np.zeros(0), np.zeros(0), np.zeros((0, 0)))
    assert np.array_equal(stepper.save(), before)


@pytest.mark.skipif(not COMPILES, reason="nothing is compiled")
def test_no_step_waits_for_the_compiler():
    model, trial = person().true, person().held_out[0]
    Stepper(model).step(0.0, *(signal[0].tolist() for signal in inputs_of(trial)))
    assert len(entry.step_with.signatures) == 1


def test_nothing_stays_of_a_step():
    """Kernels cannot allocate (`jit.kernel`); here is what Python does around them."""
    import tracemalloc

    trial = short(person().held_out[0])
    stepper = Stepper(person().true)
    given = trial.emg[0], trial.musculotendon_length[0], trial.moment_arm[0]
    times = [0.01 * i for i in range(400)]
    tracemalloc.start()
    for time in times[:100]:
        stepper.step(time, *given)
    before, _ = tracemalloc.get_traced_memory()
    for time in times[100:]:
        stepper.step(time, *given)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < given[1].nbytes


def test_what_cannot_be_streamed_is_refused():
    model = person().true
    with pytest.raises(InputError, match="whole trial"):
        Stepper(model, ceinms_0_9())
    with pytest.raises(InputError, match="no participant"):
        Stepper([])
    renamed = replace(model, muscle_names=tuple(f"{n}_l" for n in model.muscle_names))
    with pytest.raises(InputError, match="muscle_names"):
        Stepper([model, renamed])
    assert NATIVE.force_points is not None
