// Class probabilities of a text by sums of what is looked up per word: what benchmarks/classification/ngrams.py and
// the averages of benchmarks/classification/linear.py compute with NumPy. Compiled for the machine that it runs on,
// for one number of scores and for the hash of the n-grams (controls/linear.py).

#include <cmath>
#include <cstdint>
#include <vector>

#if !defined(SCORES) || !defined(BUCKETS) || !defined(MIX)
#error "compile with -DSCORES=<of a feature> -DBUCKETS=<of a length of run> -DMIX=<of the hash>"
#endif

namespace {

constexpr int kScores = SCORES;  // one per class, or 1 for two classes of the n-grams
constexpr std::uint32_t kBuckets = BUCKETS;
constexpr std::uint32_t kMix = MIX;
// The hash is reduced to its low bits, which no higher one has a part in: 32 bits are enough.
static_assert((kBuckets & (kBuckets - 1)) == 0, "buckets must be a power of two");

// Floats from a feature's weights to the next one's: a power of two, so that they share a line.
constexpr int stride(int scores) { return scores <= 1 ? 1 : 2 * stride((scores + 1) / 2); }
constexpr int kStride = stride(kScores);

// What a thread works in, kept from text to text.
struct Room {
  std::vector<std::uint32_t> runs, features;
  std::vector<std::uint64_t> seen;  // a bit a feature, all 0 between texts
};

}  // namespace

extern "C" {

struct Linear {
  const float* weights;  // (features, kStride), aligned to a line; the first V are those of words
  const float* bias;     // (kScores,)
  std::int64_t words;    // V
  std::int64_t longest;  // words of the longest run; 1 for the averages
};

}  // extern "C"

namespace {

bool known(const Linear& model, const std::int32_t* words, std::int64_t tokens) {
  std::uint32_t largest = 0;
  for (std::int64_t t = 0; t < tokens; ++t)
    largest = std::uint32_t(words[t]) > largest ? std::uint32_t(words[t]) : largest;
  return tokens == 0 || largest < model.words;
}

// Fill room.features with every word and run of a text, however often it occurs.
void find(const Linear& model, const std::int32_t* words, std::int64_t tokens, Room& room) {
  room.runs.assign(words, words + tokens);
  room.features.assign(words, words + tokens);
  std::uint32_t* runs = room.runs.data();
  for (std::int64_t length = 2; length <= model.longest && length <= tokens; ++length) {
    const std::int64_t count = tokens - length + 1;
    const std::uint32_t first = std::uint32_t(model.words + (length - 2) * kBuckets);
    const std::size_t before = room.features.size();
    room.features.resize(before + count);
    std::uint32_t* features = room.features.data() + before;
    for (std::int64_t t = 0; t < count; ++t) {
      runs[t] = runs[t] * kMix + std::uint32_t(words[t + length - 1]);
      features[t] = first + runs[t] % kBuckets;
    }
  }
}

// Leave each feature once, and have the weights of all on their way to the cache.
void distinct(const Linear& model, Room& room) {
  const std::size_t bits = std::size_t(model.words + (model.longest - 1) * kBuckets);
  if (room.seen.size() * 64 < bits) room.seen.resize((bits + 63) / 64);
  std::uint64_t* seen = room.seen.data();
  std::uint32_t* features = room.features.data();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < room.features.size(); ++i) {
    const std::uint32_t feature = features[i];
    __builtin_prefetch(model.weights + std::size_t(feature) * kStride);
    const std::uint64_t bits_there = seen[feature / 64], bit = std::uint64_t(1) << feature % 64;
    features[kept] = feature;
    kept += (bits_there & bit) == 0;
    seen[feature / 64] = bits_there | bit;
  }
  room.features.resize(kept);
  for (std::size_t i = 0; i < kept; ++i) seen[features[i] / 64] = 0;
}

// Without an exponential that overflows.
float logistic(float score) {
  const float e = std::exp(-std::abs(score));
  return (score < 0 ? e : 1) / (1 + e);
}

}  // namespace

// Both give class probabilities p, 2 if kScores is 1 and else kScores, of words (tokens,), rows of the
// vocabulary; false, and nothing done, if one is not there.
extern "C" {

// A logistic function for each class, over their sum.
bool score_ngrams(const Linear* model, const std::int32_t* words, std::int64_t tokens, float* p) {
  if (!known(*model, words, tokens)) return false;
  thread_local Room room;
  find(*model, words, tokens, room);
  distinct(*model, room);
  float scores[kScores] = {};
  for (const std::uint32_t feature : room.features)
    for (int k = 0; k < kScores; ++k)
      scores[k] += model->weights[std::size_t(feature) * kStride + k];
  float sum = 0;
  for (int k = 0; k < kScores; ++k) sum += scores[k] = logistic(scores[k] + model->bias[k]);
  if (kScores == 1) {
    p[0] = 1 - scores[0];
    p[1] = scores[0];
  } else {
    for (int k = 0; k < kScores; ++k) p[k] = scores[k] / sum;
  }
  return true;
}

// Softmax of the scores of the mean of the words known, which are those but row 0.
bool score_averages(const Linear* model, const std::int32_t* words, std::int64_t tokens, float* p) {
  if (!known(*model, words, tokens)) return false;
  float scores[kScores] = {}, count = 0;
  for (std::int64_t t = 0; t < tokens; ++t) {
    const float counts = words[t] ? 1 : 0;
    count += counts;
    for (int k = 0; k < kScores; ++k)
      scores[k] += counts * model->weights[std::size_t(words[t]) * kStride + k];
  }
  float highest = 0, sum = 0;
  for (int k = 0; k < kScores; ++k) {
    scores[k] = model->bias[k] + scores[k] / (count ? count : 1);
    highest = k && highest > scores[k] ? highest : scores[k];
  }
  for (int k = 0; k < kScores; ++k) sum += p[k] = std::exp(scores[k] - highest);
  for (int k = 0; k < kScores; ++k) p[k] /= sum;
  return true;
}

}  // extern "C"
