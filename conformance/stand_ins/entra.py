"""Stand-ins for what `az login` asks before it gets to a vault: Microsoft's sign-in, and the list of subscriptions."""

import re
from urllib.parse import parse_qs

from stand_ins.network import Answer, Refused, Request

LOGIN_HOST = "login.microsoftonline.com"
MANAGEMENT_HOST = "management.azure.com"
TENANT = "11111111-2222-3333-4444-555555555555"


class SignIn:
    """Hands out tokens that say for what they are."""

    def answer(self, request: Request) -> Answer:
        """Discovery, and the token of a service principal."""
        if not re.fullmatch(rf"/{TENANT}/.+", request.path):
            raise Refused(f"no such tenant: {request.path}", 404)
        if request.path.endswith("/.well-known/openid-configuration"):
            base = f"https://{LOGIN_HOST}/{TENANT}"
            return Answer(200, {
                "issuer": f"{base}/v2.0", "token_endpoint": f"{base}/oauth2/v2.0/token",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            })
        if request.method == "POST" and request.path.endswith("/oauth2/v2.0/token"):
            asked = parse_qs(request.body.decode())
            token = {"token_type": "Bearer", "expires_in": 3600, "ext_expires_in": 3600}
            return Answer(200, token | {"access_token": f"token for {asked['scope'][0].split()[0]}"})
        raise Refused(f"{request.method} {request.path} is not done here", 404)

    def refusal(self, refused: Refused) -> Answer:
        """An error as the service words them."""
        return Answer(refused.status, {"error": "invalid_request", "error_description": str(refused)})


class Management:
    """Has no subscriptions."""

    def answer(self, request: Request) -> Answer:
        """The list."""
        if request.path != "/subscriptions":
            raise Refused(f"{request.path} is not done here", 404)
        return Answer(200, {"value": []})

    def refusal(self, refused: Refused) -> Answer:
        """An error as the service words them."""
        return Answer(refused.status, {"error": {"code": "NotFound", "message": str(refused)}})
