// From text to rows of the embedding: the scanner and the vocabulary.
//
// The scanner follows the rules at the top of skimrnn/text/words.py, which reads the same table.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace skimrnn {

enum CharacterClass : std::uint8_t { kSpace = 0, kWord = 1, kMark = 2 };

// The class and the lower case of every code point; made once, shared by all models.
class CharacterTable {
 public:
  static constexpr std::uint32_t kCodePoints = 0x110000;

  // Both arrays have kCodePoints entries.
  CharacterTable(const std::uint8_t* classes, const std::uint32_t* lower);

  CharacterClass class_of(std::uint32_t code) const { return CharacterClass(of(code) >> 24); }
  std::uint32_t lower(std::uint32_t code) const {
    return (code + of(code)) & 0xFFFFFF;
  }

 private:
  // class << 24 | what is added to the code point for its lower case, modulo 2^24
  std::uint32_t of(std::uint32_t code) const {
    return entries_[std::size_t(block_[code / kBlock]) * kBlock + code % kBlock];
  }

  // Blocks of code points that have the same entries are kept once.
  static constexpr std::uint32_t kBlock = 256;
  std::vector<std::uint16_t> block_;
  std::vector<std::uint32_t> entries_;
};

// Words in the order of their rows; the first is the unknown word.
class Vocabulary {
 public:
  explicit Vocabulary(const std::vector<std::string>& words);

  // The row of a word, 0 if it is not there.
  std::int32_t row(std::string_view word) const;

 private:
  struct Slot {
    std::uint64_t hash;
    std::uint32_t start, length;
    std::int32_t row;  // 0: empty, since the unknown word is never looked up
  };
  std::string bytes_;
  std::vector<Slot> slots_;  // open addressing; a power of two
};

// Append the row of every word of a text to `rows`. The text is UTF-8; lone surrogates may stand in
// it as three bytes each (Python's "surrogatepass"), nothing else may be malformed. `run` is room
// to work in, kept by the caller from text to text.
void scan_rows(std::string_view text, const CharacterTable& table, const Vocabulary& vocabulary,
               std::string& run, std::vector<std::int32_t>& rows);

}  // namespace skimrnn
