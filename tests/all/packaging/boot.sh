# boot.sh FOLDER UNIT PROGRAM: starts this machine's systemd in a container with the unit and the program of an archive, without a
# configuration and then with one. Prints what became of each, and ends it. The container's root is this machine's, read through
# an overlay. Called in a mount namespace of its own, with which all mounts end.
set -eu
folder=$1 unit=$2 program=$3
mount -t tmpfs tmpfs "$folder"
cd "$folder"
mkdir upper work root
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" root
install -m 0644 "$unit" root/etc/systemd/system/sayna.service
install -m 0755 "$program" root/usr/local/bin/sayna
mkdir -p root/etc/sayna
cat > root/etc/systemd/system/only.target <<'TARGET'
[Unit]
Requires=basic.target
Wants=sayna.service
After=basic.target
AllowIsolate=yes
TARGET
systemd-nspawn --quiet --directory=root --register=no --keep-unit --link-journal=no --private-network --console=pipe \
  --boot -- systemd.unit=only.target < /dev/null > log 2>&1 &
nspawn=$!
# Of the container, what runs first in it; all else ends with it.
first() { cut -d' ' -f1 "/proc/$nspawn/task/$nspawn/children"; }
inside() { nsenter --target "$(first)" --mount --pid --net "$@"; }
trap 'kill -KILL "$(first)" && wait $nspawn || true' EXIT

# until COMMAND…: tries again until it succeeds, a minute at most.
until_done() {
  tries=0
  until "$@" > /dev/null 2>&1; do
    tries=$((tries + 1))
    if [ $tries = 120 ] || ! kill -0 $nspawn 2> /dev/null; then
      inside systemctl status --no-pager --full sayna >&2 || true
      cat log >&2
      exit 1
    fi
    sleep 0.5
  done
}
until_done inside systemctl is-active only.target
echo "without: $(inside systemctl show --property=ConditionResult,ActiveState sayna | paste -sd ' ')"
# As an administrator would leave them: the secrets for root alone.
inside sh -c 'umask 022; echo "server: {host: 127.0.0.1, port: 18082}" > /etc/sayna/config.yaml'
inside sh -c 'umask 077; echo "PORT=18083" > /etc/default/sayna'
inside systemctl start sayna
until_done inside sayna health http://127.0.0.1:18083
echo "with: $(inside systemctl show --property=ActiveState,NRestarts sayna | paste -sd ' ')"
main=$(inside systemctl show --property=MainPID --value sayna)
inside grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp):' "/proc/$main/status"
inside grep -E '^Max open files' "/proc/$main/limits"
inside systemctl stop sayna
echo "stopped: $(inside systemctl show --property=Result,ExecMainStatus sayna | paste -sd ' ')"
