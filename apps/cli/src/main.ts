import 'reflect-metadata';
import { runProcess } from './run-process';

runProcess('npm');
