# %% [markdown]
# # Tutorial
#
# From recordings to a calibrated model, and how far to trust it, in Python. The person is the one
# of `refnms demo`: an arm with 16 muscles and ten EMG channels, invented, so that the truth is
# known. First its files:
#
#     refnms demo --files person
#
# The command line does the same as this page:
#
#     refnms check person/calibrationSetup.xml
#     refnms calibrate person/calibrationSetup.xml --test person/reach/trial.xml --out results
#
# and the report is `report.html` in the folder of results.

# %%
from pathlib import Path

import refnms

model = refnms.io.read_model("person/subject.xml", "person/excitationGenerator.xml")
print(model)

# %% [markdown]
# A model is a person as published: nothing is fitted yet. Its parameters are a pandas DataFrame,
# in SI units.

# %%
columns = ["optimal_fiber_length", "tendon_slack_length", "max_isometric_force"]
print(model.to_frame()[columns].head(4))

# %% [markdown]
# ## Recordings
#
# A trial holds musculotendon lengths, moment arms, EMG envelopes and measured moments, checked
# against the model and against each other when it is read.

# %%
read = lambda name: refnms.io.read_trial(f"person/{name}/trial.xml", model)
trials = [read(name) for name in ("abduction", "rotation", "elbow")]
unseen = [read(name) for name in ("reach", "hand_to_mouth", "fast_lift")]
for trial in trials:
    print(trial)

# %% [markdown]
# ## The model as it is
#
# `simulate` runs one trial: EMG in, moments and all signals of the muscles on the way out.

# %%
run = refnms.simulate(model, unseen[0])
print(run)
print(run.to_frame("moment").head(3))
print(run.to_frame("fiber_length").head(3).iloc[:, :4])

# %% [markdown]
# ## Calibrating
#
# First say what is free, within which bounds, and who shares a value. Bounds are as they stand,
# or multiples of the start; this is what the field calibrates, and one delay for everybody.

# %%
free = refnms.Packing(
    model,
    [
        refnms.Free("c1", (-0.95, -0.05)),
        refnms.Free("c2", (-0.95, -0.05)),
        refnms.Free("shape_factor", (-2.999, -0.001)),
        refnms.Free("optimal_fiber_length", (0.85, 1.15), relative=True),
        refnms.Free("tendon_slack_length", (0.94, 1.06), relative=True),
        refnms.Free("strength_coefficient", (0.5, 2.0)),
        refnms.Free("electromechanical_delay", (0.0, 0.1), groups=(model.muscle_names,)),
    ],
)
fit = refnms.calibrate(model, trials, free)
print(free)
print(fit)

# %% [markdown]
# A gradient costs two to three evaluations whatever the number of parameters, so this takes a
# second and not an hour. `fit.model` is the calibrated person, `fit.at_bounds` names what was
# stopped by a bound and not found by the data, and `fit.parameters()` tells every parameter
# before and after.

# %%
table = fit.parameters()
strengths = table[table.field == "strength_coefficient"]
print(strengths[["before", "after", "lower", "upper", "on_bound"]].head(4))

# %% [markdown]
# ## Judging it
#
# By the trials that it has not seen. `goodness` and `moments` are DataFrames over trials and
# degrees of freedom; without an argument they are about the trials that were calibrated on.

# %%
goodness = fit.goodness(unseen)
print(goodness["r2"].round(3))
print(fit.moments(unseen).loc["reach", "elbow_flexion"].head(3).round(2))

# %% [markdown]
# In a notebook the last line of a cell shows the figure; here it is saved.

# %%
figure = fit.plot_moments(unseen)
figure.savefig("tutorial_moments.png", dpi=75)

# %% [markdown]
# ## Doubting it
#
# A good fit does not make each parameter true: fiber and tendon length, c1 and c2, shape and
# strength trade off. `uncertainty_of` says how far each is known; a moment has a band of its own.

# %%
doubt = refnms.uncertainty_of(fit)
print(doubt.to_frame().loc[["strength_coefficient of BIClong", "c1 of BIClong"]].round(3))
print(doubt.trade_offs()[0])
moment, deviation = doubt.band(unseen[0])
print(moment.shape, bool((deviation > 0.0).all()))

# %% [markdown]
# ## Going on
#
# Write the person as a subject that CEINMS reads, too, and the signals of a trial as CEINMS
# writes them.

# %%
refnms.io.write_subject("calibrated.xml", "person/subject.xml", fit.model, "person/calibration.xml")
Path("reach").mkdir()
refnms.io.write_ceinms_results("reach", fit.model, unseen[0], refnms.simulate(fit.model, unseen[0]))
print(*sorted(path.name for path in Path("reach").iterdir()))

# %% [markdown]
# Next: [your own files](preparing.md), [the report](report.md), [what the numbers
# mean](how-it-works.md), the [reference](reference.md).
