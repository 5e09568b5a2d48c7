// The C library as functions of XLA: for each of a batch, its forward pass and both derivatives.
//
// Buffers have the axes of a batch in front, all of them the same; the model is the address of a
// refnms_model, of which the parameters are replaced.

#include <vector>

#include "refnms.h"
#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;
using In = ffi::Buffer<ffi::F64>;
using Flags = ffi::Buffer<ffi::S64>;
using Out = ffi::ResultBuffer<ffi::F64>;

// One of a batch: the model with its parameters, and where its arrays begin.
struct Sizes {
    const refnms_model *model;
    int64_t M, D, T, count;

    Sizes(int64_t address, const In &time, const In &arms)
        : model(reinterpret_cast<const refnms_model *>(address)), M(model->muscles),
          D(model->dofs), T(time.dimensions().back()),
          count(static_cast<int64_t>(arms.element_count()) / (T * M * D)) {}

    refnms_model with(const In &parameters, int64_t i) const {
        refnms_model own = *model;
        own.parameters = parameters.typed_data() + i * REFNMS_PARAMETERS * M;
        return own;
    }
};

static ffi::Error forward(int64_t address, In time, In parameters, In excitation, In lengths,
                          In arms, Out moments, Out signals, ffi::ResultBuffer<ffi::S64> flags) {
    const Sizes s(address, time, arms);
    std::vector<double> memory(refnms_trial_size(s.model, s.T));
    for (int64_t i = 0; i < s.count; ++i) {
        const refnms_model own = s.with(parameters, i);
        const int64_t tm = i * s.T * s.M, td = i * s.T * s.D;
        refnms_forward(&own, s.T, time.typed_data() + i * s.T, excitation.typed_data() + tm,
                       lengths.typed_data() + tm, arms.typed_data() + tm * s.D,
                       moments->typed_data() + td, signals->typed_data() + REFNMS_SIGNALS * tm,
                       flags->typed_data() + tm, memory.data());
    }
    return ffi::Error::Success();
}

static ffi::Error jvp(int64_t address, In time, In parameters, In excitation, In lengths, In arms,
                      In signals, Flags flags, In parameters_dot, In excitation_dot, In lengths_dot,
                      In arms_dot, Out moments_dot, Out signals_dot) {
    const Sizes s(address, time, arms);
    std::vector<double> memory(refnms_trial_size(s.model, s.T));
    for (int64_t i = 0; i < s.count; ++i) {
        const refnms_model own = s.with(parameters, i);
        const int64_t tm = i * s.T * s.M, td = i * s.T * s.D;
        refnms_jvp(&own, s.T, time.typed_data() + i * s.T, excitation.typed_data() + tm,
                   lengths.typed_data() + tm, arms.typed_data() + tm * s.D,
                   signals.typed_data() + REFNMS_SIGNALS * tm, flags.typed_data() + tm,
                   parameters_dot.typed_data() + i * REFNMS_PARAMETERS * s.M,
                   excitation_dot.typed_data() + tm, lengths_dot.typed_data() + tm,
                   arms_dot.typed_data() + tm * s.D, moments_dot->typed_data() + td,
                   signals_dot->typed_data() + REFNMS_SIGNALS * tm, memory.data());
    }
    return ffi::Error::Success();
}

static ffi::Error vjp(int64_t address, In time, In parameters, In excitation, In lengths, In arms,
                      In signals, Flags flags, In moments_bar, In signals_bar, Out parameters_bar,
                      Out excitation_bar, Out lengths_bar, Out arms_bar) {
    const Sizes s(address, time, arms);
    const int64_t each = REFNMS_SIGNALS * s.T * s.M;
    std::vector<double> memory(refnms_trial_size(s.model, s.T)), used(each);
    for (int64_t i = 0; i < s.count; ++i) {
        const refnms_model own = s.with(parameters, i);
        const int64_t tm = i * s.T * s.M, td = i * s.T * s.D;
        used.assign(signals_bar.typed_data() + i * each, signals_bar.typed_data() + (i + 1) * each);
        refnms_vjp(&own, s.T, time.typed_data() + i * s.T, excitation.typed_data() + tm,
                   lengths.typed_data() + tm, arms.typed_data() + tm * s.D,
                   signals.typed_data() + REFNMS_SIGNALS * tm, flags.typed_data() + tm,
                   moments_bar.typed_data() + td, used.data(),
                   parameters_bar->typed_data() + i * REFNMS_PARAMETERS * s.M,
                   excitation_bar->typed_data() + tm, lengths_bar->typed_data() + tm,
                   arms_bar->typed_data() + tm * s.D, memory.data());
    }
    return ffi::Error::Success();
}

XLA_FFI_DEFINE_HANDLER_SYMBOL(refnms_xla_forward, forward,
                              ffi::Ffi::Bind().Attr<int64_t>("model")
                                  .Arg<In>().Arg<In>().Arg<In>().Arg<In>().Arg<In>()
                                  .Ret<In>().Ret<In>().Ret<Flags>());

XLA_FFI_DEFINE_HANDLER_SYMBOL(refnms_xla_jvp, jvp,
                              ffi::Ffi::Bind().Attr<int64_t>("model")
                                  .Arg<In>().Arg<In>().Arg<In>().Arg<In>().Arg<In>()
                                  .Arg<In>().Arg<Flags>()
                                  .Arg<In>().Arg<In>().Arg<In>().Arg<In>()
                                  .Ret<In>().Ret<In>());

XLA_FFI_DEFINE_HANDLER_SYMBOL(refnms_xla_vjp, vjp,
                              ffi::Ffi::Bind().Attr<int64_t>("model")
                                  .Arg<In>().Arg<In>().Arg<In>().Arg<In>().Arg<In>()
                                  .Arg<In>().Arg<Flags>()
                                  .Arg<In>().Arg<In>()
                                  .Ret<In>().Ret<In>().Ret<In>().Ret<In>());
