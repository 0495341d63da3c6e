/** Three bars, as many of them filled as the confidence is high. */
export function createBars(level: string): HTMLElement {
  const bars = document.createElement('span');
  bars.className = `bars b-${level}`;
  bars.append(...[0, 1, 2].map(() => document.createElement('i')));
  return bars;
}
