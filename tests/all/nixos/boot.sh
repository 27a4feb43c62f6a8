# boot.sh FOLDER UNIT PROGRAM PORT: starts this machine's systemd in a container with this one unit, waits until its server is
# healthy on PORT, prints what became of it, and ends it. The container's root is this machine's, read through an overlay.
# Called in a mount namespace of its own, with which all mounts end.
set -eu
folder=$1 unit=$2 program=$3 port=$4
mount -t tmpfs tmpfs "$folder"
cd "$folder"
mkdir upper work root
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" root
cp "$unit" root/etc/systemd/system/sayna.service
cat > root/etc/systemd/system/only.target <<'TARGET'
[Unit]
Requires=basic.target sayna.service
After=basic.target
AllowIsolate=yes
TARGET
# As the machine's administrator would leave it: for root alone.
(umask 077 && echo 'PORT=18081' > secrets)

systemd-nspawn --quiet --directory=root --register=no --keep-unit --link-journal=no --private-network --console=pipe \
  --bind-ro=/nix/store --bind-ro="$folder/secrets:/run/keys/sayna.env" --boot -- systemd.unit=only.target < /dev/null > log 2>&1 &
nspawn=$!
# Of the container, what runs first in it; all else ends with it.
first() { cut -d' ' -f1 "/proc/$nspawn/task/$nspawn/children"; }
inside() { nsenter --target "$(first)" "$@"; }
trap 'kill -KILL "$(first)" && wait $nspawn || true' EXIT

tries=0
until inside --net "$program" health "http://127.0.0.1:$port" > /dev/null 2>&1; do
  tries=$((tries + 1))
  if [ $tries = 120 ] || ! kill -0 $nspawn 2> /dev/null; then
    inside --mount --pid --net systemctl status --no-pager --full sayna >&2 || true
    cat log >&2
    exit 1
  fi
  sleep 0.5
done

inside --mount --pid --net systemctl show --property=ActiveState,NRestarts sayna
main=$(inside --mount --pid --net systemctl show --property=MainPID --value sayna)
inside --mount --pid --net grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp):' "/proc/$main/status"
inside --mount --pid --net systemctl stop sayna
inside --mount --pid --net systemctl show --property=Result,ExecMainStatus sayna
