/** A press whose end this page does not see holds nothing for longer. */
const LONGEST_MS = 1000;

const waiting = new Set<() => void>();
/** Set while a pointer is pressed. */
let timer = 0;

function release(): void {
  window.clearTimeout(timer);
  timer = 0;
  const work = [...waiting];
  waiting.clear();
  work.forEach(draw => draw());
}

window.addEventListener(
  'pointerdown',
  () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(release, LONGEST_MS);
  },
  true
);
for (const end of ['pointerup', 'pointercancel']) {
  // The click comes in the same task.
  window.addEventListener(end, () => window.setTimeout(release), true);
}

/**
 * Draw something anew: now, or once the pointer that is pressed has been let go.
 *
 * A browser makes a click of a press and its end on one element. What is drawn in between could move the
 * button away from the pointer, or another one to it.
 */
export function afterPress(draw: () => void): void {
  if (timer) {
    waiting.add(draw);
  } else {
    draw();
  }
}
