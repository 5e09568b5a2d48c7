/* The spline through the points of a curve, C2, whose third derivative does not jump at the points next
   to its ends: see refnms/physics/curves.py. */
typedef struct { int n; double *x, *y, *b, *c, *d, below, above; } Curve;

static double third(const double *x, const double *y) { /* divided difference of four points */
    double p = (y[1] - y[0]) / (x[1] - x[0]), q = (y[2] - y[1]) / (x[2] - x[1]), r = (y[3] - y[2]) / (x[3] - x[2]);
    return ((r - q) / (x[3] - x[1]) - (q - p) / (x[2] - x[0])) / (x[3] - x[0]);
}

static void fit(Curve *k) { /* b, c, d from x, y; c and d serve as s and pivots on the way */
    int n = k->n, i;
    double *x = k->x, *y = k->y, *s = k->c, *pivot = k->d;
    for (i = 0; i < n; i++) {
        double h = i < n - 1 ? x[i + 1] - x[i] : x[i] - x[i - 1], before = i ? x[i] - x[i - 1] : 0;
        s[i] = i == 0 ? h * h * third(x, y) : i == n - 1 ? -h * h * third(x + n - 4, y + n - 4)
             : (y[i + 1] - y[i]) / h - (y[i] - y[i - 1]) / before;
        pivot[i] = i == 0 || i == n - 1 ? -h : 2 * (before + h);
        if (i) { s[i] -= before / pivot[i - 1] * s[i - 1]; pivot[i] -= before * before / pivot[i - 1]; }
    }
    s[n - 1] /= pivot[n - 1];
    for (i = n - 2; i >= 0; i--) s[i] = (s[i] - (x[i + 1] - x[i]) * s[i + 1]) / pivot[i];
    for (i = 0; i < n - 1; i++) {
        double h = x[i + 1] - x[i];
        k->b[i] = (y[i + 1] - y[i]) / h - h * (s[i + 1] + 2 * s[i]);
        k->d[i] = (s[i + 1] - s[i]) / h;
    }
    for (i = 0; i < n - 1; i++) k->c[i] = 3 * s[i];
}
