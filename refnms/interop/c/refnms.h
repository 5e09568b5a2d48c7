/* refnms: a differentiable EMG-driven neuromusculoskeletal model, as a C library.

   Sizes: M muscles, D degrees of freedom, E EMG channels, T frames. Matrices are contiguous, the
   last index fastest. Units: m, m/s, rad, N, N.m, s; signals of activation and EMG are normalised.

   A model is written by `refnms export-c --subject` (or refnms.interop.c.write_model) as a header
   that defines a `refnms_model`. Its numbers may be changed between calls, not during one.

   Threads: no function keeps anything anywhere but in the state, buffers and working memory that
   it is given. So any number of threads may call at once, on the same models, if no two of them
   share a state, an output or a working memory. Nothing is allocated and no error is signalled but
   by a status: sizes and pointers are trusted.

   The same inputs give the same bits as refnms in Python, whatever the processor: the kernels are
   the same, and nothing in them is contracted or reassociated. Sine and cosine of the pennation
   angles, and the logarithm of a piecewise activation, are libm's: another one may differ by 1e-13
   of a moment. */

#ifndef REFNMS_H
#define REFNMS_H

#include <stddef.h>
#include <stdint.h>

/* Number of this interface: a model has the one that it was written for. A change of a structure
   or of an argument raises it. Pointers must have 8 bytes. */
#define REFNMS_ABI 2

#define REFNMS_PARAMETERS 12 /* rows of a parameter table, in this order:
    c1, c2, shape_factor, optimal_fiber_length, pennation_angle_at_optimal, tendon_slack_length,
    max_isometric_force, max_contraction_velocity, strength_coefficient, electromechanical_delay,
    fiber_damping, percentage_change */
#define REFNMS_SIGNALS 5     /* neural activation, activation, fiber length, velocity, tendon force */

#ifdef __cplusplus
extern "C" {
#endif

typedef struct refnms_model {
    int64_t abi;               /* REFNMS_ABI */
    int64_t muscles, dofs, channels;
    int64_t solver_points;     /* of the velocity inside the equilibrium */
    int64_t force_points;      /* of the velocity of the force */
    int64_t restart;           /* row at which the filter begins anew; -1: never */
    int64_t rigid;             /* 1: tendons of constant length */
    int64_t piecewise;         /* 1: piecewise activation, else exponential */
    int64_t plain;             /* 1: the curves bear out a shorter check of CEINMS's bracket */
    int64_t interpolates_emg;  /* 1: EMG between samples, else CEINMS's choice of a row */
    int64_t emg_samples;       /* kept by a stream: more than come within the longest delay */
    const double *numbers;     /* (6) filter's rest; bracket's lower and upper end and tolerance;
                                  tolerance of the activation's node; longest gap of a stream [s] */
    const double *parameters;     /* (12, M) */
    const double *emg_to_muscle;  /* (E, M) weights */
    /* Curves of n pieces: edges (n + 1), pieces (n, 5): origin, c0, c1, c2, c3. */
    int64_t active_count;
    const double *active_edges, *active_pieces;
    int64_t passive_count;
    const double *passive_edges, *passive_pieces;
    int64_t velocity_count;
    const double *velocity_edges, *velocity_pieces;
    int64_t tendon_count;
    const double *tendon_edges, *tendon_pieces;
    /* Geometry, of a model that has one; see refnms.physics.types.Paths. */
    int64_t bases_count, edges_count, pieces_count, coefficients_count, joints;
    int64_t memory_rows, memory_columns;
    const int64_t *bases;
    const double *edges, *pieces;
    const int64_t *basis_of, *starts;
    const double *coefficients;
} refnms_model;

/* ---- Streams: one frame after the other ----

   The rules for a live signal are those of refnms.stream: bits of a status. */
enum {
    REFNMS_EMG_HELD = 1,    /* a channel was not finite: its last value */
    REFNMS_EMG_AHEAD = 2,   /* EMG of this instant has not arrived: the newest */
    REFNMS_EMG_LOST = 4,    /* or was dropped: the oldest */
    REFNMS_SKIPPED = 8,     /* a length, arm or angle was not finite: nothing happened */
    REFNMS_LATE = 16,       /* not later than the last frame: nothing happened */
    REFNMS_RESTARTED = 32,  /* after a long gap the muscles began anew */
    REFNMS_NO_EMG = 64      /* before any EMG: nothing happened */
};

/* How many doubles a state has. All of a stream is in them: to save it, copy them. */
int64_t refnms_state_size(const refnms_model *model);

/* Begin a stream in the memory of a state. */
void refnms_begin(const refnms_model *model, double *state);

/* One frame of `count` streams of models with equal sizes; their inputs lie side by side. */
typedef struct refnms_call {
    const refnms_model *const *models; /* (count) */
    double *const *states;             /* (count) */
    int64_t count;
    double time;           /* [s] of all */
    const double *emg;     /* (count, E), or NULL: no sample comes with this frame */
    const double *lengths; /* (count, M) musculotendon lengths [m], or NULL: EMG without a frame */
    const double *arms;    /* (count, M, D) moment arms [m] */
    const double *angles;  /* (count, D) [rad]: lengths and arms are the geometry's; else NULL */
    double *moments;       /* (count, D) [N.m] */
    int64_t *statuses;     /* (count) */
} refnms_call;

void refnms_step(const refnms_call *call);

/* Excitation and the five signals of the newest frame (6, M); flags of the solver (M). */
void refnms_signals(const refnms_model *model, double *state, double *signals, int64_t *flags);

/* Derivatives of the newest frame (5, I, M): of each muscle's signals by its own inputs: excitation,
   musculotendon length, neural activation one and two rows ago, the 12 parameters, and the fiber
   lengths of one frame ago and before. I = 16 + max(3, solver_points, force_points) - 1. */
void refnms_partials(const refnms_model *model, double *state, double *partials);

/* ---- Geometry ---- */

/* How many doubles of working memory refnms_lengths needs. */
int64_t refnms_lengths_size(const refnms_model *model);

/* Lengths (T, M) [m] and moment arms (T, M, D) [m/rad] at joint angles (T, D) [rad]. */
void refnms_lengths(const refnms_model *model, int64_t frames, const double *angles,
                    double *lengths, double *arms, double *memory);

/* ---- Whole trajectories ---- */

/* How many doubles of working memory a trajectory of so many frames needs. */
int64_t refnms_trial_size(const refnms_model *model, int64_t frames);

/* From times (T), excitations (T, M), lengths (T, M) and arms (T, M, D) to moments (T, D), the five
   signals (5, T, M) and flags (T, M). */
void refnms_forward(const refnms_model *model, int64_t frames, const double *time,
                    const double *excitation, const double *lengths, const double *arms,
                    double *moments, double *signals, int64_t *flags, double *memory);

/* Cotangents of parameters (12, M), excitations (T, M), lengths (T, M) and arms (T, M, D) from those
   of the moments (T, D) and of the five signals (5, T, M), or NULL, at the signals and flags that
   refnms_forward wrote; the cotangents of the signals are used up. That of the electromechanical
   delay is in the excitations. */
void refnms_vjp(const refnms_model *model, int64_t frames, const double *time,
                const double *excitation, const double *lengths, const double *arms,
                const double *signals, const int64_t *flags, const double *moments_bar,
                double *signals_bar, double *parameters_bar, double *excitation_bar,
                double *lengths_bar, double *arms_bar, double *memory);

/* Derivatives of the moments (T, D) and of the five signals (5, T, M) along a direction of
   parameters (12, M), excitations (T, M), lengths (T, M) and arms (T, M, D), at the same. */
void refnms_jvp(const refnms_model *model, int64_t frames, const double *time,
                const double *excitation, const double *lengths, const double *arms,
                const double *signals, const int64_t *flags, const double *parameters_dot,
                const double *excitation_dot, const double *lengths_dot, const double *arms_dot,
                double *moments_dot, double *signals_dot, double *memory);

#ifdef __cplusplus
}
#endif

#endif
