"""The pages of approvals and of a person's own security: who gets what. Part of the matrix."""

OUT = ["omar", "lena"]
AWAY = {**dict.fromkeys(OUT, 404), None: 302}
# name -> (method, path template, {cast member: status}, everybody else's).
APPROVAL_ROWS: dict[str, tuple[str, str, dict, int]] = {
    "approvals:queue": ("get", "/approvals/", {None: 302}, 200),
    "approvals:batch": ("get", "/approvals/batch/?id={approval}", {**dict.fromkeys(OUT, 404), None: 302}, 422),
    "approvals:review": ("get", "/approvals/{approval}/", {**dict.fromkeys(OUT, 404), None: 302}, 200),
    "approvals:decide": ("post", "/approvals/{approval}/decide/", {**dict.fromkeys(OUT, 404), None: 302}, 422),
    "approvals:ask_changes": ("post", "/approvals/{approval}/ask/", {**dict.fromkeys(OUT, 404), None: 302}, 422),
    "approvals:snooze": ("post", "/approvals/{approval}/snooze/", {**dict.fromkeys(OUT, 404)}, 302),
    "approvals:wake": ("post", "/approvals/{approval}/wake/", {**dict.fromkeys(OUT, 404)}, 302),
    # Only whoever it is for.
    "actions:withdraw": ("post", "/approvals/{approval}/withdraw/", {"maya": 302, None: 302}, 404),
    "approvals:confirm": ("get", "/approvals/{approval}/confirm/", {**dict.fromkeys(OUT, 404)}, 302),
    "approvals:confirm_options": ("post", "/approvals/{approval}/confirm/options/", AWAY, 409),
    # A person's own: nobody else's can be named.
    "approvals:security": ("get", "/me/security/", {None: 302}, 200),
    "approvals:away": ("get", "/me/away/", {None: 302}, 200),
    "approvals:revoke_delegation": ("post", "/me/away/dlg_00000000000000000000000000/revoke/", {None: 302}, 404),
    "approvals:begin_app": ("post", "/me/security/app/", {"priya": 302, None: 302}, 200),
    "approvals:confirm_app": ("post", "/me/security/app/confirm/", {None: 302}, 422),
    "approvals:passkey_options": ("post", "/me/security/passkey/options/", {"priya": 302, None: 302}, 200),
    "approvals:add_passkey": ("post", "/me/security/passkey/", {None: 302}, 422),
    "approvals:codes": ("post", "/me/security/codes/", {}, 302),  # Nobody here proved who they are.
    "approvals:rename_factor": ("post", "/me/security/{factor}/rename/", {"priya": 422, None: 302}, 404),
    "approvals:remove_factor": ("post", "/me/security/{factor}/remove/", {"priya": 302, None: 302}, 404),
    "approvals:step_up": ("get", "/me/step-up/", {None: 302}, 200),
    "approvals:step_up_options": ("post", "/me/step-up/options/", {None: 302}, 200),
    # Absent for everybody who may not break glass, among them those who read the request.
    "approvals:break_glass": ("get", "/approvals/{approval}/break-glass/", {"ken": 200, None: 302}, 404),
    "approvals:glass_review": ("get", "/approvals/{approval}/break-glass/review/", {None: 302}, 404),
    "approvals:glass_confirm": ("post", "/approvals/{approval}/break-glass/review/confirm/", {None: 302}, 404),
}
