/* A Hill-type muscle in fifty lines of C: curves, force with all its partial derivatives, and the
   fiber length in equilibrium. The equations stand in docs/how-it-works.md. Put your own
   implementation in its place; check.c tests it. */
#include <math.h>
#include "spline.h"

typedef struct { double lo, angle, lts, strongest, vmax, strength, damping, change; } Muscle;

static double curve(const Curve *k, double x, double *slope) {
    int n = k->n, i = 0, high = n - 1;
    if (x < k->x[0]) { *slope = k->below; return k->y[0] + k->below * (x - k->x[0]); }
    if (x > k->x[n - 1]) { *slope = k->above; return k->y[n - 1] + k->above * (x - k->x[n - 1]); }
    while (high - i > 1) { int middle = (i + high) / 2; if (k->x[middle] < x) i = middle; else high = middle; }
    double t = x - k->x[i];
    *slope = k->b[i] + t * (2 * k->c[i] + t * 3 * k->d[i]);
    return k->y[i] + t * (k->b[i] + t * (k->c[i] + t * k->d[i]));
}

/* by: activation, fiber length, fiber velocity, lo, angle, strongest, vmax, strength, damping, change */
static double force(const Curve k[4], const Muscle *m, double a, double l, double v, double by[10]) {
    double scale = 1 / (m->change * (1 - a) + 1), x = l / m->lo, vn = v / (m->lo * m->vmax), fl1, fp1, fv1;
    double inside = fabs(vn) < 1, height = m->lo * sin(m->angle), cosine = sqrt(1 - height * height / (l * l));
    if (!inside) vn = vn > 0 ? 1 : -1;
    double fl = curve(&k[0], x * scale, &fl1), fp = curve(&k[1], x, &fp1), fv = curve(&k[2], vn, &fv1);
    double along = a * fl * fv + fp + m->damping * vn, strong = m->strongest * m->strength;
    double by_x = strong * cosine * (a * fl1 * scale * fv + fp1), by_v = strong * cosine * inside * (a * fl * fv1 + m->damping);
    double by_scale = strong * cosine * a * fl1 * x * fv, by_cosine = strong * along;
    by[0] = strong * cosine * fl * fv + by_scale * scale * scale * m->change;
    by[1] = by_x / m->lo + by_cosine * height * height / (l * l * l * cosine);
    by[2] = by_v / (m->lo * m->vmax);
    by[3] = -(by_x * x + by_v * vn + by_cosine * height * height / (l * l * cosine)) / m->lo;
    by[4] = -by_cosine * height * m->lo * cos(m->angle) / (l * l * cosine);
    by[5] = m->strength * along * cosine;
    by[6] = -by_v * vn / m->vmax;
    by[7] = m->strongest * along * cosine;
    by[8] = strong * cosine * vn;
    by[9] = -by_scale * scale * scale * (1 - a);
    return strong * along * cosine;
}

/* At velocity newest * l + past. The tendon force falls as the fiber lengthens, the fiber's rises. */
static double fiber_length(const Curve k[4], const Muscle *m, double a, double lmt, double newest, double past) {
    double low = 0.2 * m->lo, high = 2 * m->lo, height = m->lo * sin(m->angle), by[10], slope;
    for (int i = 0; i < 200; i++) {
        double l = (low + high) / 2, along = l > height ? sqrt(l * l - height * height) : 0;
        double tendon = curve(&k[3], (lmt - along - m->lts) / m->lts, &slope) * m->strongest * m->strength;
        if (along == 0 || tendon > force(k, m, a, l, newest * l + past, by)) low = l; else high = l;
    }
    return (low + high) / 2;
}
