// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.

import { ApiError } from "../api-error.js";

/** The server said `validation_error`. */
export class ValidationError extends ApiError {
  override readonly name: string = "ValidationError";
}

/** The server said `unauthorized`. */
export class UnauthorizedError extends ApiError {
  override readonly name: string = "UnauthorizedError";
}

/** The server said `forbidden`. */
export class ForbiddenError extends ApiError {
  override readonly name: string = "ForbiddenError";
}

/** The server said `not_found`. */
export class NotFoundError extends ApiError {
  override readonly name: string = "NotFoundError";
}

/** The server said `method_not_allowed`. */
export class MethodNotAllowedError extends ApiError {
  override readonly name: string = "MethodNotAllowedError";
}

/** The server said `conflict`. */
export class ConflictError extends ApiError {
  override readonly name: string = "ConflictError";
}

/** The server said `gone`. */
export class GoneError extends ApiError {
  override readonly name: string = "GoneError";
}

/** The server said `payload_too_large`. */
export class PayloadTooLargeError extends ApiError {
  override readonly name: string = "PayloadTooLargeError";
}

/** The server said `unsupported_media_type`. */
export class UnsupportedMediaTypeError extends ApiError {
  override readonly name: string = "UnsupportedMediaTypeError";
}

/** The server said `idempotency_mismatch`. */
export class IdempotencyMismatchError extends ApiError {
  override readonly name: string = "IdempotencyMismatchError";
}

/** The server said `upgrade_required`. */
export class UpgradeRequiredError extends ApiError {
  override readonly name: string = "UpgradeRequiredError";
}

/** The server said `rate_limit_exceeded`. */
export class RateLimitError extends ApiError {
  override readonly name: string = "RateLimitError";
}

/** The server said `internal_error`. */
export class InternalError extends ApiError {
  override readonly name: string = "InternalError";
}

/** The server said `unavailable`. */
export class UnavailableError extends ApiError {
  override readonly name: string = "UnavailableError";
}

export const CLASS_OF_CODE: Readonly<Record<string, typeof ApiError>> = {
  validation_error: ValidationError,
  unauthorized: UnauthorizedError,
  forbidden: ForbiddenError,
  not_found: NotFoundError,
  method_not_allowed: MethodNotAllowedError,
  conflict: ConflictError,
  gone: GoneError,
  payload_too_large: PayloadTooLargeError,
  unsupported_media_type: UnsupportedMediaTypeError,
  idempotency_mismatch: IdempotencyMismatchError,
  upgrade_required: UpgradeRequiredError,
  rate_limit_exceeded: RateLimitError,
  internal_error: InternalError,
  unavailable: UnavailableError,
};

/** What a status means when its code is one of a later version. */
export const CLASS_OF_STATUS: Readonly<Record<number, typeof ApiError>> = {
  400: ValidationError,
  401: UnauthorizedError,
  403: ForbiddenError,
  404: NotFoundError,
  405: MethodNotAllowedError,
  409: ConflictError,
  410: GoneError,
  413: PayloadTooLargeError,
  415: UnsupportedMediaTypeError,
  422: IdempotencyMismatchError,
  426: UpgradeRequiredError,
  429: RateLimitError,
  500: InternalError,
  503: UnavailableError,
};
