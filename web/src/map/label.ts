// Names on the map: whatever a file calls a county, its label is no bar across the map. The whole name is the canvas's tooltip.

/** Letters that a label has at most; the longest name of a county in use has fifteen. */
export const LABEL_LETTERS = 20;

export function label(name: string): string {
  const letters = [...name];
  return letters.length <= LABEL_LETTERS ? name : `${letters.slice(0, LABEL_LETTERS - 1).join('')}…`;
}
