/* The forward pass of the native profile in C: what 03_kernel_speed.py holds the loops against.
 *
 * The equations are those of docs/how-it-works.md, for the exponential activation, two-point
 * velocities and elastic tendons; stopping rules and brackets are those of refnms/physics/solve.py.
 * As in the package, LANES muscles of a trial go side by side: rows of LANES numbers, which the
 * compiler turns into vectors. Unlike there, what is constant within a frame is taken out of the
 * Newton steps, and the compiler may reorder sums (-ffast-math). The number of muscles is a
 * multiple of LANES, and all inputs are finite.
 */

#include <math.h>

enum { LANES = 16, SWEEPS = 12, ROUNDS = 100 };
enum { ACTIVE, PASSIVE, VELOCITY, TENDON, CURVES };
enum { HELPED = 1, FAILED = 2, TAUT = 8, ON_FLOOR = 16 }; /* refnms.physics.types.Flag */

/* Lengths are in optimal fiber lengths. */
static const double SETTLED = 1e-10;    /* a Newton step as short leaves an error of its square */
static const double LONGEST_STEP = 0.2; /* farther off, a piece of a curve means nothing */
static const double LOWEST = 0.02;      /* projected fiber length: the floor */
static const double SHORTEST = 0.02 * (1.0 + 1e-10); /* what is no longer stands on the floor */
static const double MARGIN = 0.05;       /* by which the upper end of the bracket is passed */
static const double START_STRAIN = 0.03; /* of the tendon where the first frame's search begins */
static const double COLLAPSED = 1e-15;   /* width of a bracket with nothing in it, over its place */
static const double SOLVED = 1e-10;      /* residual above which a collapsed bracket has failed */
static const double NO_RESIDUAL = 1e300; /* before the first one */
static const double STEEP = 1e-6;        /* slope of the residual that still predicts a root */

typedef double Row[LANES] __attribute__((aligned(64)));

/* A piecewise cubic: piece i holds for edges[i] < x <= edges[i + 1]; with d = x - origin,
 * (origin, c0, c1, c2, c3) = pieces[5 i ...], its value is ((c3 d + c2) d + c1) d + c0. */
typedef struct {
    const double *edges, *pieces;
    long count; /* of pieces */
} Curve;

/* The piece of a curve that each lane is on. */
typedef struct {
    Row lower, upper, origin, c0, c1, c2, c3;
    long number[LANES];
} Pieces;

typedef struct {
    double *neural, *activation, *length, *velocity, *force;
    long *flags;
} Signals;

/* Lengths are in optimal fiber lengths, velocities in maximal ones, forces in those of the muscle.
 * w is the projection of the fiber on its tendon, x its length: x^2 = w^2 + sine^2. */
typedef struct {
    /* constant */
    Row gain, beta1, beta2, shape, per_shape;          /* of filter and activation */
    Row optimal, slack, per_optimal, per_slack, ratio; /* lengths [m]; optimal over slack */
    Row per_max, per_speed;                            /* of velocities [optimal/s], [m/s] */
    Row sine, damping, widening, strength;
    /* of the frame */
    Row u1, u2, a, slackness, taut; /* strain at w = 0; w at which the tendon is just taut */
    Row newest, past, past_speed;   /* v = newest x + past; past in [m/s] */
    Row active;                     /* optimal length over that at this activation */
    Row near, w, x, cosine, open, longest, fiber;
    /* slopes of the root, which predict the next one */
    Row by_a, by_strain, by_v;
    Row asked[CURVES];
    Pieces pieces[CURVES];
} Block;

/* ---- curves ---- */

static inline int holds(const Pieces *p, int j, double x)
{
    return (p->lower[j] < x) & (x <= p->upper[j]);
}

static void look_up(const Curve *curve, double x, Pieces *p, int j)
{
    long i = p->number[j];
    while (i + 1 < curve->count && x > curve->edges[i + 1]) i++;
    while (i > 0 && x <= curve->edges[i]) i--;
    const double *c = curve->pieces + 5 * i;
    p->number[j] = i;
    p->lower[j] = curve->edges[i], p->upper[j] = curve->edges[i + 1];
    p->origin[j] = c[0], p->c0[j] = c[1], p->c1[j] = c[2], p->c2[j] = c[3], p->c3[j] = c[4];
}

static inline double value(const Pieces *p, int j, double x)
{
    double d = x - p->origin[j];
    return ((p->c3[j] * d + p->c2[j]) * d + p->c1[j]) * d + p->c0[j];
}

static inline double slope(const Pieces *p, int j, double x)
{
    double d = x - p->origin[j];
    return (3.0 * p->c3[j] * d + 2.0 * p->c2[j]) * d + p->c1[j];
}

/* ---- the muscle ---- */

static inline double length_of(const Block *b, int j, double w)
{
    return sqrt(w * w + b->sine[j] * b->sine[j]);
}

static inline double velocity_of(const Block *b, int j, double x)
{
    double v = b->newest[j] * x + b->past[j];
    return v > 1.0 ? 1.0 : (v < -1.0 ? -1.0 : v);
}

static inline double strain_of(const Block *b, int j, double w)
{
    return b->slackness[j] - b->ratio[j] * w;
}

/* Note what lane j asks the curves at w, of length x; whether its pieces hold it. */
static inline int ask(Block *b, int j, double w, double x)
{
    const double v = velocity_of(b, j, x), strain = strain_of(b, j, w);
    b->asked[ACTIVE][j] = x * b->active[j], b->asked[PASSIVE][j] = x;
    b->asked[VELOCITY][j] = v, b->asked[TENDON][j] = strain;
    return holds(&b->pieces[ACTIVE], j, x * b->active[j]) & holds(&b->pieces[PASSIVE], j, x) &
           holds(&b->pieces[VELOCITY], j, v) & holds(&b->pieces[TENDON], j, strain);
}

/* Look up all pieces that do not hold what was asked. */
static void renew(const Curve *curves, Block *b)
{
    for (int c = 0; c < CURVES; c++)
        for (int j = 0; j < LANES; j++)
            if (!holds(&b->pieces[c], j, b->asked[c][j]))
                look_up(&curves[c], b->asked[c][j], &b->pieces[c], j);
}

/* Tendon force minus fiber force at w, and slopes, on the pieces at hand. */
typedef struct {
    double residual, w, a, strain, v; /* w: with the velocity that follows it */
    double fiber;                     /* force of the fiber along the tendon */
} Equilibrium;

static inline Equilibrium equilibrium(const Block *b, int j, double w)
{
    const Pieces *p = b->pieces;
    const double a = b->a[j], x = length_of(b, j, w), per_x = 1.0 / x, cosine = w * per_x;
    const double v = velocity_of(b, j, x), moves = (v > -1.0) & (v < 1.0) ? 1.0 : 0.0;
    const double strain = strain_of(b, j, w), at = x * b->active[j];
    const double fl = value(&p[ACTIVE], j, at), fl_slope = slope(&p[ACTIVE], j, at);
    const double fv = value(&p[VELOCITY], j, v), fv_slope = slope(&p[VELOCITY], j, v);
    const double along = a * fl * fv + value(&p[PASSIVE], j, x) + b->damping[j] * v;
    const double by_active = a * fl_slope * fv; /* by x over the optimal length at this a */
    const double by_x = by_active * b->active[j] + slope(&p[PASSIVE], j, x);
    const double by_v = (a * fl * fv_slope + b->damping[j]) * moves;
    const double stiffness = slope(&p[TENDON], j, strain), tilt = b->sine[j] * per_x;
    Equilibrium g;
    g.fiber = along * cosine;
    g.residual = value(&p[TENDON], j, strain) - g.fiber;
    g.w = -stiffness * b->ratio[j] - (by_x + by_v * b->newest[j]) * cosine * cosine -
          along * tilt * tilt * per_x;
    g.a = -(fl * fv + by_active * at * b->active[j] * b->widening[j]) * cosine;
    g.strain = stiffness;
    g.v = -by_v * cosine;
    return g;
}

/* ---- the root ---- */

/* One Newton step of every lane, and slopes, length and force at the root it points to: how many
 * lanes stay open, and how many left their pieces. A lane that has settled stands still. */
static int sweep(Block *b, int *away)
{
    int left = 0, outside = 0;
    for (int j = 0; j < LANES; j++) {
        const double near = b->near[j];
        const double x = length_of(b, j, near);
        const int held = ask(b, j, near, x);
        const double cosine = near / x;
        const Equilibrium g = equilibrium(b, j, near);
        double step = -g.residual / g.w;
        step = step > LONGEST_STEP ? LONGEST_STEP : (step < -LONGEST_STEP ? -LONGEST_STEP : step);
        const int settled = held & (g.w < 0.0) & (step <= SETTLED) & (step >= -SETTLED);
        b->w[j] = near + step;
        b->near[j] = settled ? near : near + step;
        b->open[j] = settled ? 0.0 : 1.0;
        left += !settled, outside += !held;
        b->x[j] = x + cosine * step, b->cosine[j] = cosine;
        b->fiber[j] = g.fiber - (g.strain * b->ratio[j] + g.w) * step;
        const double per_slope = g.w < -STEEP ? -1.0 / g.w : 0.0;
        b->by_a[j] = g.a * per_slope, b->by_strain[j] = g.strain * per_slope;
        b->by_v[j] = g.v * per_slope;
    }
    *away = outside;
    return left;
}

/* The equilibrium of lane j at w, on the pieces there. */
static Equilibrium alone(const Curve *curves, Block *b, int j, double w)
{
    ask(b, j, w, length_of(b, j, w));
    for (int c = 0; c < CURVES; c++) look_up(&curves[c], b->asked[c][j], &b->pieces[c], j);
    return equilibrium(b, j, w);
}

/* Safeguarded Newton of lane j from w in [lower, upper]: the root, and a flag. A step that leaves
 * the bracket, or after which two rounds have not halved the residual, is replaced by bisection. */
static double search(const Curve *curves, Block *b, int j, double lower, double upper, double w,
                     long *flag)
{
    double last = NO_RESIDUAL, before_last = NO_RESIDUAL;
    *flag = 0;
    for (int i = 0; i < ROUNDS; i++) {
        const Equilibrium g = alone(curves, b, j, w);
        const double size = fabs(g.residual), step = g.w < 0.0 ? -g.residual / g.w : upper;
        if (fabs(step) <= SETTLED) return fmin(fmax(w + step, lower), upper);
        if (g.residual < 0.0)
            upper = w;
        else
            lower = w;
        if (upper - lower <= COLLAPSED * w) {
            *flag |= size <= SOLVED ? 0 : FAILED;
            return w;
        }
        const int halved = size <= 0.5 * fmax(last, before_last);
        before_last = last, last = size;
        if (halved && lower < w + step && w + step < upper)
            w += step;
        else
            w = 0.5 * (lower + upper), *flag = HELPED;
    }
    *flag |= FAILED;
    return w;
}

/* The first frame: static equilibrium, or the tendon just taut. */
static double at_start(const Curve *curves, Block *b, int j, long *flag)
{
    const double taut = b->taut[j];
    *flag = taut <= LOWEST ? ON_FLOOR : TAUT;
    if (taut <= LOWEST) return LOWEST;
    if (alone(curves, b, j, taut).residual >= 0.0) return taut;
    const double guess = fmax(taut - START_STRAIN / b->ratio[j], LOWEST);
    return search(curves, b, j, LOWEST, taut, guess, flag);
}

static double in_motion(const Curve *curves, Block *b, int j, long *flag)
{
    const double guess = fmin(fmax(b->w[j], LOWEST), b->longest[j]);
    const double w = search(curves, b, j, LOWEST, b->longest[j], guess, flag);
    if (w > SHORTEST) return w;
    *flag = ON_FLOOR;
    return LOWEST;
}

/* The roots of all lanes: of most by plain Newton steps, of the others by the search. */
static void find_roots(const Curve *curves, Block *restrict b, int first, int away,
                       long *restrict flags)
{
    int left = LANES, doubtful = 0;
    for (int i = 0; i < SWEEPS && left > 0 && !first; i++) {
        if (away > 0) renew(curves, b);
        left = sweep(b, &away);
    }
    for (int j = 0; j < LANES; j++) {
        const int sure = (b->open[j] == 0.0) & (b->w[j] > SHORTEST) & (b->w[j] <= b->longest[j]);
        b->open[j] = sure ? 0.0 : 1.0;
        doubtful += !sure, flags[j] = 0;
    }
    if (doubtful == 0) return;
    for (int j = 0; j < LANES; j++) {
        if (b->open[j] == 0.0) continue;
        b->w[j] = first ? at_start(curves, b, j, &flags[j]) : in_motion(curves, b, j, &flags[j]);
        const Equilibrium g = alone(curves, b, j, b->w[j]); /* leaves the pieces of the root behind */
        b->x[j] = length_of(b, j, b->w[j]), b->fiber[j] = g.fiber;
        b->cosine[j] = b->w[j] / b->x[j];
        b->by_a[j] = b->by_strain[j] = b->by_v[j] = 0.0;
    }
}

/* ---- a block of muscles, frame after frame ---- */

static void load(Block *b, const double *table, long muscles, long m)
{
    for (int j = 0; j < LANES; j++) {
        double p[12]; /* in the order of refnms.physics.types.Muscles */
        for (int k = 0; k < 12; k++) p[k] = table[k * muscles + m + j];
        b->beta1[j] = p[0] + p[1], b->beta2[j] = p[0] * p[1];
        b->gain[j] = 1.0 + b->beta1[j] + b->beta2[j];
        b->shape[j] = p[2], b->per_shape[j] = 1.0 / expm1(p[2]);
        b->optimal[j] = p[3], b->per_optimal[j] = 1.0 / p[3];
        b->slack[j] = p[5], b->per_slack[j] = 1.0 / p[5], b->ratio[j] = p[3] / p[5];
        b->per_max[j] = 1.0 / p[7], b->per_speed[j] = 1.0 / (p[3] * p[7]);
        b->sine[j] = sin(p[4]), b->damping[j] = p[10], b->widening[j] = p[11];
        b->strength[j] = p[6] * p[8];
        b->a[j] = b->slackness[j] = b->newest[j] = b->past[j] = b->w[j] = b->x[j] = 0.0;
        b->by_a[j] = b->by_strain[j] = b->by_v[j] = 0.0;
        for (int c = 0; c < CURVES; c++) b->pieces[c].number[j] = 0;
    }
}

/* Activation of the frame, and what its equilibrium is made of; the search begins where the slopes
 * of the last root point. Returns how many lanes leave their pieces there. */
static int enter(Block *restrict b, const double *restrict excitation,
                  const double *restrict lmt, const double *restrict weights,
                  const double *restrict last_length, double *restrict neural,
                  double *restrict activation)
{
    int away = 0;
    for (int j = 0; j < LANES; j++) {
        const double u =
            b->gain[j] * excitation[j] - b->beta1[j] * b->u1[j] - b->beta2[j] * b->u2[j];
        const double a = (exp(b->shape[j] * u) - 1.0) * b->per_shape[j];
        const double along = lmt[j] - b->slack[j], taut = along * b->per_optimal[j];
        const double strain = along * b->per_slack[j], newest = weights[0] * b->per_max[j];
        const double past_speed = weights[1] * last_length[j], past = past_speed * b->per_speed[j];
        const double faster = (newest - b->newest[j]) * b->x[j] + past - b->past[j];
        b->longest[j] = fmax(fmax(b->w[j], taut), LOWEST) + MARGIN;
        const double moves = b->by_a[j] * (a - b->a[j]) +
                             b->by_strain[j] * (strain - b->slackness[j]) + b->by_v[j] * faster;
        b->near[j] = b->w[j] + moves;
        b->u2[j] = b->u1[j], b->u1[j] = u, b->a[j] = a;
        b->slackness[j] = strain, b->taut[j] = taut;
        b->newest[j] = newest, b->past[j] = past, b->past_speed[j] = past_speed;
        b->active[j] = 1.0 / (1.0 + b->widening[j] * (1.0 - a));
        b->open[j] = 1.0;
        away += !ask(b, j, b->near[j], b->x[j] + b->cosine[j] * moves);
        neural[j] = u, activation[j] = a;
    }
    return away;
}

/* Length, velocity and force at the roots. */
static void leave(Block *restrict b, double newest, double *restrict length,
                  double *restrict velocity, double *restrict force)
{
    for (int j = 0; j < LANES; j++) {
        const double x = b->x[j];
        length[j] = b->optimal[j] * x;
        velocity[j] = newest * b->optimal[j] * x + b->past_speed[j];
        force[j] = b->strength[j] * b->fiber[j];
    }
}

/* Trial i has the frames [starts[i], starts[i + 1]). Arrays are (frames, muscles), `table`
 * (12, muscles), `weights` (frames, 2): newest and older, zero in the first frame of a trial. */
void forward(long trials, const long *starts, long muscles, const double *table,
             const Curve *curves, const double *weights, const double *excitation,
             const double *musculotendon_length, Signals signals)
{
    Block block;
    for (long i = 0; i < trials; i++)
        for (long m = 0; m < muscles; m += LANES) {
            load(&block, table, muscles, m);
            for (long t = starts[i]; t < starts[i + 1]; t++) {
                const long at = t * muscles + m;
                const int first = t == starts[i];
                const double *e = excitation + at; /* stands for lengths that weigh nothing, too */
                for (int j = 0; j < LANES && first; j++) block.u1[j] = block.u2[j] = e[j];
                const int away = enter(&block, e, musculotendon_length + at, weights + 2 * t,
                                       first ? e : signals.length + at - muscles,
                                       signals.neural + at, signals.activation + at);
                find_roots(curves, &block, first, away, signals.flags + at);
                leave(&block, weights[2 * t], signals.length + at, signals.velocity + at,
                      signals.force + at);
            }
        }
}
