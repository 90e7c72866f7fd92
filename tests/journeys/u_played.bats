#!/usr/bin/env bats
# Registries that cannot be reached from here, under their own names, in a network of their own: u_played.py plays them in the shapes that their makers
# document, and archon-bundle is run as anybody would run it. No test here has seen the real ones.
load helpers
# shellcheck source=/dev/null disable=SC2154
. "$here/../support/names.sh"
# shellcheck source=/dev/null
. "$here/../support/scenes.sh"

setup_file() {
    local addresses
    mapfile -t addresses < <(python3 "$CHECKOUT/tests/journeys/u_played.py" --addresses)
    scenes_play 3 "$CHECKOUT/tests/journeys/u_played.py" "${addresses[@]}"
}

teardown_file() { scenes_end; }

@test "the table was run to its end" {
    scenes_complete
}

@test "Docker Hub: names, logins, limits, blobs elsewhere" { scenes_row hub; }
@test "GHCR" { scenes_row ghcr; }
@test "ECR: basic alone, blobs in S3" { scenes_row ecr; }
@test "ECR Public: a scope of its own" { scenes_row ecr-public; }
@test "Artifact Registry and gcr.io: a key in JSON for a password" { scenes_row gar; }
@test "ACR: identity tokens" { scenes_row acr; }
@test "Quay: robots" { scenes_row quay; }
@test "GitLab: a token server on another host, known or named" { scenes_row gitlab; }
@test "Harbor: robots" { scenes_row harbor; }
@test "JFrog" { scenes_row jfrog; }
@test "Zot, Nexus: basic alone" { scenes_row nexus; }
@test "several in one bundle, each with its own login" { scenes_row all; }
