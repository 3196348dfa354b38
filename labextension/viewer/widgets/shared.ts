/** The packages of this page that extensions of JupyterLab may share, with their versions. */

import * as base from '@jupyter-widgets/base';
import { version as baseVersion } from '@jupyter-widgets/base/package.json';
import * as controls from '@jupyter-widgets/controls';
import { version as controlsVersion } from '@jupyter-widgets/controls/package.json';
import * as coreutils from '@lumino/coreutils';
import { version as coreutilsVersion } from '@lumino/coreutils/package.json';
import * as disposable from '@lumino/disposable';
import { version as disposableVersion } from '@lumino/disposable/package.json';
import * as messaging from '@lumino/messaging';
import { version as messagingVersion } from '@lumino/messaging/package.json';
import * as signaling from '@lumino/signaling';
import { version as signalingVersion } from '@lumino/signaling/package.json';
import * as widgets from '@lumino/widgets';
import { version as widgetsVersion } from '@lumino/widgets/package.json';
import { Exports } from './amdmodules';
import { IShared } from './federation';

/** Return what the page shares, by the names of the packages. */
export function sharedPackages(): Record<string, IShared> {
  const share = (exports: unknown, version: string) => ({ exports: exports as Exports, version });
  return {
    '@jupyter-widgets/base': share(base, baseVersion),
    '@jupyter-widgets/controls': share(controls, controlsVersion),
    '@lumino/coreutils': share(coreutils, coreutilsVersion),
    '@lumino/disposable': share(disposable, disposableVersion),
    '@lumino/messaging': share(messaging, messagingVersion),
    '@lumino/signaling': share(signaling, signalingVersion),
    '@lumino/widgets': share(widgets, widgetsVersion)
  };
}
