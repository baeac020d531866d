// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two runs a sample: the first counts values, so that memory does not grow with
// the samples; the second measures what was chosen, exactly. The artifact is one
// like any other, for this machine.
#include "Calibrating.h"
#include "Samples.h"

#include "llvm/Support/raw_ostream.h"

namespace tenon::driver {

namespace {

struct Watched {
  numerics::ObservedActivation activation;
  numerics::ValueCounts counts;
  numerics::CalibratedActivation result;
};

class Calibrator {
public:
  Calibrator(Samples &samples, std::vector<Watched> &watched) : samples(samples), watched(watched) {}
  bool load(llvm::StringRef artifact) { return session.load(artifact, /*threads=*/1); }
  Exit exitStatus() const { return session.exitStatus(); }

  /// Runs all samples and gives body(what, its values) each value that was computed.
  template <typename Body>
  Exit run(Body &&body) {
    for (size_t i = 0; i < samples.size(); ++i) {
      if (Exit exit = samples.bind(i, session))
        return exit;
      if (!session.run()) {
        mention("note", "while running sample " + samples.path(i));
        return session.exitStatus();
      }
      for (Watched &one : watched) {
        std::optional<llvm::ArrayRef<float>> values;
        if (!read(one.activation, values))
          return session.exitStatus();
        if (values)
          if (Exit exit = body(one, *values, samples.path(i)))
            return exit;
      }
    }
    return kOk;
  }

private:
  bool read(const numerics::ObservedActivation &activation, std::optional<llvm::ArrayRef<float>> &values) {
    if (activation.output < 0)
      return true;
    if (activation.executed >= 0) {
      std::optional<tenon_tensor> flag = session.outputView(activation.executed);
      if (!flag)
        return false;
      if (!*static_cast<const uint8_t *>(flag->data))
        return true;
    }
    std::optional<tenon_tensor> view = session.outputView(activation.output);
    if (!view)
      return false;
    size_t count = 1;
    for (int64_t size : llvm::ArrayRef(view->shape, view->rank))
      count *= size_t(size);
    values = llvm::ArrayRef(static_cast<const float *>(view->data), count);
    return true;
  }

  Samples &samples;
  std::vector<Watched> &watched;
  Session session;
};

/// Layers as text: "fc1, fc2 and 3 more".
std::string layersOf(const numerics::ObservedActivation &activation) {
  std::string text;
  constexpr size_t kMost = 3;
  for (size_t i = 0; i < std::min(kMost, activation.uses.size()); ++i)
    text += (i ? ", " : "") + activation.uses[i].first;
  return activation.uses.size() > kMost ? text + " and " + std::to_string(activation.uses.size() - kMost) + " more"
                                        : text;
}

/// Values that no sample had have no scale.
void keep(Watched &one, size_t samples) {
  const numerics::ObservedActivation &activation = one.activation;
  std::string why = activation.unobservable;
  if (why.empty())
    why =
        samples == 1 ? "the sample does not compute it" : "none of " + std::to_string(samples) + " samples computes it";
  mention("warning",
          "[TN4111] " + activation.tensor + ", the input of " + layersOf(activation) + ", stays float: " + why);
  one.result.kept = why;
}

} // namespace

Exit calibrate(llvm::StringRef model, llvm::StringRef path, llvm::ArrayRef<std::string> formatFiles,
               const numerics::FormatRegistry &formats, Progress progress, numerics::ConvertOptions &options) {
  Samples samples;
  if (Exit exit = samples.find(path))
    return exit;
  TemporaryFile artifact;
  if (std::error_code code = artifact.create("calibrate", ".tenon"))
    return complain("[TN6001] cannot create a temporary artifact: " + code.message());
  CompileOptions compilation;
  compilation.formatFiles = formatFiles;
  compilation.observe = options;
  CompileResult compiled;
  if (Exit exit = compile(model, artifact.path(), compilation, progress, compiled))
    return exit;
  options.calibration.emplace();
  std::vector<Watched> watched;
  for (numerics::ObservedActivation &activation : compiled.observed)
    watched.emplace_back().activation = std::move(activation);
  if (watched.empty()) {
    mention("note", "--calibration: no layer is converted whose activations could be");
    return kOk;
  }
  Calibrator calibrator(samples, watched);
  if (!calibrator.load(artifact.path()))
    return calibrator.exitStatus();
  Exit exit = calibrator.run([](Watched &one, llvm::ArrayRef<float> values, llvm::StringRef sample) {
    std::optional<size_t> bad = one.counts.add(values);
    return !bad ? kOk
                : complain("[TN4110] value " + llvm::Twine(*bad) + " of " + one.activation.tensor + ", the input of " +
                           layersOf(one.activation) + ", is " + (std::isnan(values[*bad]) ? "NaN" : "infinite") +
                           " for sample " + sample + "; only finite values have a scale");
  });
  if (exit)
    return exit;
  for (Watched &one : watched) {
    if (one.counts.count())
      one.result.conversion = chooseConversion(one.counts, *options.activations, formats);
    else
      keep(one, samples.size());
  }
  exit = calibrator.run([](Watched &one, llvm::ArrayRef<float> values, llvm::StringRef) {
    if (!one.result.kept)
      measure(one.result.conversion, values, one.result.quality);
    return kOk;
  });
  if (exit)
    return exit;
  for (Watched &one : watched)
    for (auto &use : one.activation.uses)
      options.calibration->insert({use, one.result});
  return kOk;
}

} // namespace tenon::driver
