/** Browsers cut elements that are higher: Firefox at 17.9 million pixels, Chromium at half of 33.5 on fine screens. */
const MAX_BAR = 8_000_000;
/** Near both ends the bar moves as far as the rows, so that a wheel cannot run out of bar before it is out of rows. */
const EDGE = 100_000;
/** A scroll by less is walked pixel by pixel; a longer one is a jump. */
const WALK = 1_200;

/**
 * Scrolls through more rows than fit into the tallest element that browsers allow. The scrolled element has that
 * height and stands for all rows: a long scroll jumps in proportion, a short one moves the rows pixel by pixel. All
 * lengths are in pixels.
 */
export class TwoScales {
  /** Where the view starts among the rows. */
  top = 0;
  /** Height of all rows. */
  full = 0;
  /** Height of the view. */
  view = 1;
  #last = 0;

  /** The lowest place where the view can start. */
  get end(): number {
    return Math.max(0, this.full - this.view);
  }

  /** Height of the element that is scrolled, without the head. */
  get barHeight(): number {
    return Math.min(this.full, MAX_BAR);
  }

  get #room(): number {
    return Math.max(0, this.barHeight - this.view);
  }

  /** Moves by what the bar did. `max` is the bar's own end, which may differ by the height of a head. */
  follow(bar: number, max: number): void {
    const moved = bar - this.#last;
    this.#last = bar;
    if (bar <= 0) this.top = 0;
    else if (bar >= max - 1) this.top = this.end;
    else this.top = this.#clamp(Math.abs(moved) < WALK ? this.top + moved : this.#fromBar(bar));
  }

  /** Moves to a place. Returns where the bar belongs. */
  go(top: number): number {
    this.top = this.#clamp(top);
    return this.bar;
  }

  /** Where the bar belongs. */
  get bar(): number {
    return Math.round(this.#toBar(this.top));
  }

  /** Notes where the bar was put. */
  noteBar(bar: number): void {
    this.#last = bar;
  }

  /** Fits the place into what can be shown, after the size has changed. */
  fit(full: number, view: number): void {
    this.full = full;
    this.view = Math.max(1, view);
    this.top = this.#clamp(this.top);
  }

  #clamp(top: number): number {
    return Math.min(this.end, Math.max(0, top));
  }

  #toBar(top: number): number {
    const { end } = this;
    const room = this.#room;
    if (end <= room || top <= EDGE) return top;
    if (end - top <= EDGE) return room - (end - top);
    return EDGE + ((top - EDGE) * (room - 2 * EDGE)) / (end - 2 * EDGE);
  }

  #fromBar(bar: number): number {
    const { end } = this;
    const room = this.#room;
    if (end <= room || bar <= EDGE) return bar;
    if (room - bar <= EDGE) return end - (room - bar);
    return EDGE + ((bar - EDGE) * (end - 2 * EDGE)) / (room - 2 * EDGE);
  }
}
