// Loaded before the app: each replica believes it is on a host of its own, as in production, so that nothing but the lease tells that one has died.
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';

os.hostname = () => `host-${process.pid}`;
syncBuiltinESMExports();
