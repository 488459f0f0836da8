import { road } from './road.ts';

road('1.20.5');
