import { road } from './road.ts';

road('2.3.0');
