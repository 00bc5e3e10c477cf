/** Scales scores so that the highest is 100; `reverse` makes the highest the worst. All zero stays alike. */
export function normalizeToHundred(scores: Int32Array, count: number, reverse: boolean): void {
  let highest = 0;
  for (let i = 0; i < count; i++) highest = Math.max(highest, scores[i] as number);
  for (let i = 0; i < count; i++) {
    const scaled = highest === 0 ? 0 : Math.floor(((scores[i] as number) * 100) / highest);
    scores[i] = reverse ? 100 - scaled : scaled;
  }
}
