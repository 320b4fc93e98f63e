/** A sentence of an alert; whoever wants all of it looks where it came from. */
const LONGEST = 400;

/** A text for an alert: on one line, and not without end. */
export function brief(text: string): string {
  const line = text.replace(/\s+/gu, " ").trim();
  const letters = [...line];
  return letters.length <= LONGEST ? line : `${letters.slice(0, LONGEST - 1).join("")}…`;
}
