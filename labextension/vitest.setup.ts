// What Lumino and JupyterLab need of a browser and jsdom lacks.

class DragEventShim extends MouseEvent {
  dataTransfer: DataTransfer | null = null;
}

class ObserverShim {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
  takeRecords(): [] {
    return [];
  }
}

const shims: Record<string, unknown> = {
  DragEvent: DragEventShim,
  ResizeObserver: ObserverShim,
  IntersectionObserver: ObserverShim,
  // JupyterLab's React widgets draw in it.
  requestIdleCallback: (work: IdleRequestCallback) =>
    setTimeout(() => work({ didTimeout: false, timeRemaining: () => 50 })),
  // React's act() asks for it.
  IS_REACT_ACT_ENVIRONMENT: true,
  matchMedia: (media: string) => ({
    matches: false,
    media,
    addListener() {},
    removeListener() {},
    addEventListener() {},
    removeEventListener() {}
  })
};

const scope = globalThis as unknown as Record<string, unknown>;
for (const [name, shim] of Object.entries(shims)) {
  scope[name] ??= shim;
}

export {};
