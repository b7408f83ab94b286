# Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
"""An error for each code of the contract."""

from parley_sdk.api_error import ApiError


class ValidationError(ApiError):
    """The server said `validation_error`."""


class UnauthorizedError(ApiError):
    """The server said `unauthorized`."""


class ForbiddenError(ApiError):
    """The server said `forbidden`."""


class NotFoundError(ApiError):
    """The server said `not_found`."""


class MethodNotAllowedError(ApiError):
    """The server said `method_not_allowed`."""


class ConflictError(ApiError):
    """The server said `conflict`."""


class GoneError(ApiError):
    """The server said `gone`."""


class PayloadTooLargeError(ApiError):
    """The server said `payload_too_large`."""


class UnsupportedMediaTypeError(ApiError):
    """The server said `unsupported_media_type`."""


class IdempotencyMismatchError(ApiError):
    """The server said `idempotency_mismatch`."""


class UpgradeRequiredError(ApiError):
    """The server said `upgrade_required`."""


class RateLimitError(ApiError):
    """The server said `rate_limit_exceeded`."""


class InternalError(ApiError):
    """The server said `internal_error`."""


class UnavailableError(ApiError):
    """The server said `unavailable`."""


CLASS_OF_CODE: dict[str, type[ApiError]] = {
    "validation_error": ValidationError,
    "unauthorized": UnauthorizedError,
    "forbidden": ForbiddenError,
    "not_found": NotFoundError,
    "method_not_allowed": MethodNotAllowedError,
    "conflict": ConflictError,
    "gone": GoneError,
    "payload_too_large": PayloadTooLargeError,
    "unsupported_media_type": UnsupportedMediaTypeError,
    "idempotency_mismatch": IdempotencyMismatchError,
    "upgrade_required": UpgradeRequiredError,
    "rate_limit_exceeded": RateLimitError,
    "internal_error": InternalError,
    "unavailable": UnavailableError,
}
# What a status means when its code is one of a later version.
CLASS_OF_STATUS: dict[int, type[ApiError]] = {
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
}
