// A frame within the page runs the text of these, so they refer to nothing else here.

/**
 * Take away from the page what its policy cannot forbid.
 *
 * WebRTC sends packets whatever `connect-src` says, and no pane needs it. A frame that a script
 * makes inside this one gets it back: this is for what happens by accident, not a wall.
 */
export function takeAwayWebRtc(): void {
  for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'RTCDataChannel']) {
    delete (window as unknown as Record<string, unknown>)[name];
  }
}

/** Keep entries out of the history, which is that of the whole tab; no wall either. */
export function takeAwayHistory(): void {
  history.pushState = history.replaceState;
}
