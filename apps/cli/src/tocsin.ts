import 'reflect-metadata';
import { runProcess } from './run-process';

// the entry of the package, whose program is `tocsin`
runProcess('tocsin');
