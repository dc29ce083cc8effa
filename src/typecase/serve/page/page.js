// A page of what was read, as the panes show it: a flat row of words that know where they stand.

export const UNSURE = 0.8;

/** The words of a page in the order of reading, each with its block, line and word index. */
export function wordsOf(page) {
  const words = [];
  page.blocks.forEach((block, b) => block.lines.forEach((line, l) => line.words.forEach((word, w) => {
    words.push({ ...word, at: [b, l, w], index: words.length, unsure: word.confidence < UNSURE });
  })));
  return words;
}

/** The text of some words, lines and blocks as they were. */
export function textOf(words) {
  let text = "";
  let before = null;
  for (const word of words) {
    if (before) {
      const [b, l] = before.at;
      text += b !== word.at[0] ? "\n\n" : l !== word.at[1] ? "\n" : " ";
    }
    text += word.text;
    before = word;
  }
  return text;
}

/** What else a word may be: the likeliest other readings of its characters, the likeliest first. */
export function otherReadings(word, most = 3) {
  const others = [];
  (word.characters ?? []).forEach((character, place) => {
    for (const one of character.alternatives ?? []) {
      if (one.confidence < 0.02) continue;
      const characters = word.characters.map((each) => each.text);
      characters[place] = one.text;
      others.push({ place, was: character.text, text: one.text, confidence: one.confidence, whole: characters.join("") });
    }
  });
  return others.sort((a, b) => b.confidence - a.confidence).slice(0, most);
}
