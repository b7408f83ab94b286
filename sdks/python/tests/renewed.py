"""What a server answers to a refresh."""

ID = "019d0a7b-8991-7ce9-9b84-d1e0b4cfd9ec"
RENEWED = {
    "access_token": "new",
    "refresh_token": "next",
    "expires_in": 3600,
    "token_type": "Bearer",
    "user_id": ID,
    "session_id": ID,
}
