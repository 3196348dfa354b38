import { Widget } from '@lumino/widgets';
import * as React from 'react';
import { IAnswerDisplay } from '../shapes';
import { AnswerFrame } from './frame';

/** What was displayed between two texts of an answer. */
export function AnswerDisplays(props: {
  displays: readonly IAnswerDisplay[];
  makeFrame: () => AnswerFrame;
}): React.ReactElement {
  const { displays, makeFrame } = props;
  const place = React.useRef<HTMLDivElement>(null);
  const frame = React.useRef<AnswerFrame | null>(null);
  // Lumino takes a widget out of the document itself, so this goes before React does it.
  React.useLayoutEffect(() => {
    const made = makeFrame();
    frame.current = made;
    Widget.attach(made, place.current as HTMLDivElement);
    return () => made.dispose();
  }, [makeFrame]);
  React.useLayoutEffect(() => {
    if (frame.current) {
      frame.current.displays = displays;
    }
  }, [displays]);
  return <div ref={place} />;
}
