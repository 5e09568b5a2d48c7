/* Tests muscle.h against golden files:  cc -o check check.c -lm && ./check DIR
   DIR is what `refnms golden --out DIR` wrote. Every wrong number is named; the numbers of muscle.h
   go to mine_curves.csv, mine_force.csv and mine_fiber_length.csv, which
   `refnms golden --check mine_*.csv` reads. Exit code 0: all right, 1: some are wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "muscle.h"

enum { ROWS = 6000, COLUMNS = 32, CURVES = 4 };
typedef struct { int rows, columns; char *cell[ROWS][COLUMNS]; } Table; /* row 0: the names */

static Table *read_table(const char *folder, const char *name) { /* no cell has commas or quotes in it */
    char path[1000], line[4000];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (!file) { perror(path); exit(2); }
    Table *t = calloc(1, sizeof *t);
    while (t->rows < ROWS && fgets(line, sizeof line, file)) {
        char *rest = line;
        line[strcspn(line, "\r\n")] = 0;
        for (t->columns = 0; rest; t->columns++) {
            char *comma = strchr(rest, ',');
            if (comma) *comma = 0;
            t->cell[t->rows][t->columns] = strcpy(malloc(strlen(rest) + 1), rest);
            rest = comma ? comma + 1 : NULL;
        }
        t->rows++;
    }
    fclose(file);
    return t;
}

static int column(const Table *t, const char *name) {
    for (int j = 0; j < t->columns; j++) if (!strcmp(t->cell[0][j], name)) return j;
    fprintf(stderr, "no column is called %s\n", name);
    exit(2);
}

static const char *text(const Table *t, int row, const char *name) { return t->cell[row][column(t, name)]; }
static double number(const Table *t, int row, const char *name) { return strtod(text(t, row, name), NULL); }

static const char *NAMES[CURVES] = {"active_force_length", "passive_force_length", "force_velocity", "tendon_force_strain"};
static struct { char family[64]; Curve curve[CURVES]; } families[16];

static Curve *curves_of(const char *family) { /* an empty place for a family that is new */
    int i = 0;
    while (families[i].family[0] && strcmp(families[i].family, family)) i++;
    strcpy(families[i].family, family);
    return families[i].curve;
}

static Curve *curve_called(const char *family, const char *name) {
    int j = 0;
    while (strcmp(NAMES[j], name)) j++;
    return curves_of(family) + j;
}

static void read_curves(const char *folder) {
    Table *t = read_table(folder, "curve_points.csv");
    for (int i = 1, n; i < t->rows; i += n) {
        Curve *k = curve_called(text(t, i, "family"), text(t, i, "curve"));
        for (n = 1; i + n < t->rows && !strcmp(text(t, i + n, "curve"), text(t, i, "curve")); n++);
        double **parts[] = {&k->x, &k->y, &k->b, &k->c, &k->d};
        for (int p = 0; p < 5; p++) *parts[p] = calloc(n, sizeof(double));
        for (int j = 0; j < n; j++) { k->x[j] = number(t, i + j, "x"); k->y[j] = number(t, i + j, "y"); }
        k->n = n;
        k->below = number(t, i, "slope_beyond");
        k->above = number(t, i + n - 1, "slope_beyond");
        fit(k);
    }
}

/* Largest magnitude of a column among the rows of one group: what tolerances are relative to. */
static double scale_of(const Table *t, int row, int j, const char **group) {
    double largest = 0;
    for (int i = 1; i < t->rows; i++) {
        int same = 1;
        for (const char **g = group; *g; g++) same = same && !strcmp(text(t, i, *g), text(t, row, *g));
        double size = fabs(strtod(t->cell[i][j], NULL));
        if (same && size > largest) largest = size;
    }
    return largest;
}

static int compare(const Table *t, const char **group, int first, int count, double mine[][16], const char *out) {
    FILE *file = fopen(out, "w");
    int wrong = 0;
    fprintf(file, "entry");
    for (int j = 0; j < count; j++) fprintf(file, ",%s", t->cell[0][first + j]);
    for (int i = 1; i < t->rows; i++) {
        fprintf(file, "\n%s", t->cell[i][0]);
        for (int j = 0; j < count; j++) {
            double golden = strtod(t->cell[i][first + j], NULL), scale = scale_of(t, i, first + j, group);
            fprintf(file, ",%.17g", mine[i][j]);
            if (fabs(mine[i][j] - golden) <= number(t, i, "tolerance") * scale) continue;
            printf("%s %s: %.17g, should be %.17g: off by %.1e of the largest there (%s)\n", t->cell[i][0],
                   t->cell[0][first + j], mine[i][j], golden, fabs(mine[i][j] - golden) / scale, text(t, i, "reason"));
            wrong++;
        }
    }
    fprintf(file, "\n");
    fclose(file);
    printf("%s: %d numbers, %d wrong\n", out, (t->rows - 1) * count, wrong);
    return wrong;
}

static Muscle muscle_of(const Table *t, int i, int with_tendon) {
    return (Muscle){number(t, i, "optimal_fiber_length"), number(t, i, "pennation_angle_at_optimal"),
                    with_tendon ? number(t, i, "tendon_slack_length") : 1,
                    with_tendon ? 1 : number(t, i, "max_isometric_force"), number(t, i, "max_contraction_velocity"),
                    with_tendon ? 1 : number(t, i, "strength_coefficient"), number(t, i, "fiber_damping"),
                    number(t, i, "percentage_change")};
}

int main(int count, char **arguments) {
    const char *folder = count > 1 ? arguments[1] : ".", *by_curve[] = {"family", "curve", NULL};
    const char **by_family = (const char *[]){"family", NULL};
    static double mine[ROWS][16];
    int wrong = 0;
    read_curves(folder);

    Table *t = read_table(folder, "curves.csv");
    for (int i = 1; i < t->rows; i++)
        mine[i][0] = curve(curve_called(text(t, i, "family"), text(t, i, "curve")), number(t, i, "x"), &mine[i][1]);
    wrong += compare(t, by_curve, column(t, "value"), 2, mine, "mine_curves.csv");

    t = read_table(folder, "force.csv");
    for (int i = 1; i < t->rows; i++) {
        Muscle m = muscle_of(t, i, 0);
        mine[i][0] = force(curves_of(text(t, i, "family")), &m, number(t, i, "activation"), number(t, i, "fiber_length"),
                           number(t, i, "fiber_velocity"), mine[i] + 1);
    }
    wrong += compare(t, by_family, column(t, "tendon_force"), 11, mine, "mine_force.csv");

    t = read_table(folder, "fiber_length.csv");
    for (int i = 1; i < t->rows; i++) {
        Muscle m = muscle_of(t, i, 1);
        mine[i][0] = fiber_length(curves_of(text(t, i, "family")), &m, number(t, i, "activation"),
                                  number(t, i, "musculotendon_length"), number(t, i, "newest"), number(t, i, "past"));
    }
    wrong += compare(t, by_family, column(t, "fiber_length"), 1, mine, "mine_fiber_length.csv");
    return wrong > 0;
}
