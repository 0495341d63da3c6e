export { RowfillError } from './errors.js';
