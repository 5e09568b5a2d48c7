// Run a recording through the model of subject.h: as a stream, as a whole, and backwards.
//
// `refnms export-c DIR --subject ... --trial ...` writes subject.h and trial.bin, which has the
// moments that Python predicts. Exit code 1 if those found here are others by more than 1e-13 of
// the largest.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <vector>

#include "subject.h"

using Numbers = std::vector<double>;

static Numbers read(std::ifstream &file, int64_t count) {
    Numbers numbers(count);
    file.read(reinterpret_cast<char *>(numbers.data()), count * sizeof(double));
    return numbers;
}

// The largest difference, relative to the largest of what is expected, and how many differ at all.
static double compare(const char *what, const Numbers &found, const Numbers &expected) {
    double difference = 0, largest = 0;
    size_t others = 0;
    for (size_t i = 0; i < found.size(); ++i) {
        difference = std::max(difference, std::fabs(found[i] - expected[i]));
        largest = std::max(largest, std::fabs(expected[i]));
        others += found[i] != expected[i];
    }
    std::printf("%s: %zu of %zu moments have other bits; largest difference %.1e\n", what, others,
                found.size(), difference / largest);
    return difference / largest;
}

int main(int count, char **arguments) {
    std::ifstream file(count > 1 ? arguments[1] : "trial.bin", std::ios::binary);
    int64_t sizes[2];
    if (subject.abi != REFNMS_ABI || !file.read(reinterpret_cast<char *>(sizes), sizeof sizes)) {
        std::fprintf(stderr, "usage: example trial.bin\n");
        return 2;
    }
    const int64_t T = sizes[0], N = sizes[1];
    const int64_t M = subject.muscles, D = subject.dofs, E = subject.channels;
    const Numbers time = read(file, T), emg_time = read(file, N), emg = read(file, N * E);
    const Numbers lengths = read(file, T * M), arms = read(file, T * M * D);
    const Numbers expected = read(file, T * D);

    // A stream: EMG as it comes, and a frame when its time has come.
    Numbers state(refnms_state_size(&subject)), moments(T * D), excitation(T * M);
    Numbers signals(6 * M);
    std::vector<int64_t> flags(M);
    const refnms_model *models[] = {&subject};
    double *states[] = {state.data()};
    int64_t status = 0, n = 0;
    refnms_begin(&subject, state.data());
    for (int64_t t = 0; t < T; ++t) {
        refnms_call call = {models, states, 1, 0, nullptr, nullptr, nullptr, nullptr, nullptr,
                            &status};
        for (; n < N && emg_time[n] <= time[t] + 1e-9; ++n) {
            call.time = emg_time[n];
            call.emg = &emg[n * E];
            refnms_step(&call);
        }
        call.time = time[t];
        call.emg = nullptr;
        call.lengths = &lengths[t * M];
        call.arms = &arms[t * M * D];
        call.moments = &moments[t * D];
        refnms_step(&call);
        if (status) std::printf("frame %lld: status %lld\n", (long long)t, (long long)status);
        refnms_signals(&subject, state.data(), signals.data(), flags.data());
        std::copy_n(signals.begin(), M, excitation.begin() + t * M);
    }
    double worst = compare("stream", moments, expected);

    // The whole trajectory of the same excitations, and the gradient of the sum of the moments.
    Numbers whole(T * D), every(REFNMS_SIGNALS * T * M), memory(refnms_trial_size(&subject, T));
    std::vector<int64_t> all_flags(T * M);
    refnms_forward(&subject, T, time.data(), excitation.data(), lengths.data(), arms.data(),
                   whole.data(), every.data(), all_flags.data(), memory.data());
    worst = std::max(worst, compare("whole trajectory", whole, expected));
    Numbers ones(T * D, 1.0), parameters_bar(REFNMS_PARAMETERS * M), e_bar(T * M), l_bar(T * M);
    Numbers arms_bar(T * M * D);
    refnms_vjp(&subject, T, time.data(), excitation.data(), lengths.data(), arms.data(),
               every.data(), all_flags.data(), ones.data(), nullptr, parameters_bar.data(),
               e_bar.data(), l_bar.data(), arms_bar.data(), memory.data());
    std::printf("d (sum of moments) / d strength_coefficient of the first muscle: %.17g\n",
                parameters_bar[8 * M]);

    // How long a step takes, to and fro over the recording.
    Numbers nanoseconds;
    refnms_call call = {models, states, 1, time[T - 1], nullptr, nullptr, nullptr, nullptr,
                        moments.data(), &status};
    for (int64_t i = 0; i < 100 * T; ++i) {
        const int64_t t = i / T % 2 ? i % T : T - 1 - i % T;
        call.time += time[1] - time[0];
        call.emg = &emg[t * N / T * E];
        call.lengths = &lengths[t * M];
        call.arms = &arms[t * M * D];
        const auto began = std::chrono::steady_clock::now();
        refnms_step(&call);
        const std::chrono::duration<double, std::nano> took =
            std::chrono::steady_clock::now() - began;
        nanoseconds.push_back(took.count() / M);
    }
    std::sort(nanoseconds.begin(), nanoseconds.end());
    std::printf("a step of %lld muscles, EMG included: %.0f ns a muscle (median), %.0f (least)\n",
                (long long)M, nanoseconds[50 * T], nanoseconds[0]);
    return worst <= 1e-13 ? 0 : 1;
}
