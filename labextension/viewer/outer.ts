import { reportOn } from './witness';

reportOn(document.querySelector('iframe') as HTMLIFrameElement);
