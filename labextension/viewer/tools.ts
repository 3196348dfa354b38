import { Words } from '../src/viewerprotocol';
import { Mathematics } from './mathematics';
import { MimeBundle } from './outputs';
import { Parts } from './parts';

/** Draws a widget into a node; else why not (empty to say nothing), and the plain text is drawn. */
export type DrawWidget = (node: HTMLElement, bundle: MimeBundle) => true | string;

/** The functions of the page that drawing needs. */
export interface ITools {
  readonly words: Words;
  readonly parts: Parts;
  readonly mathematics: Mathematics;
  readonly drawWidget: DrawWidget;
  /** Something was not loaded in a frame below. */
  readonly onBlocked: (uri: string) => void;
  /** A person has clicked a link to the web. */
  readonly onLink: (url: string) => void;
}
