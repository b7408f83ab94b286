export { ApiError } from "./api-error.js";
export * from "./parley-error.js";
export * from "./generated/errors.js";
