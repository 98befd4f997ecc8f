#!/usr/bin/env bash
# Makes what a queue for many machines needs, in a new folder: an authority of its own, a certificate of the server for
# the names and addresses that are given, passwords, and users that may do what coordinators and workers must and nothing
# else. Start it with: redis-server FOLDER/redis.conf (or valkey-server). docs/cluster.md has the rest.
#
#   scripts/make-queue.sh FOLDER NAME-OR-ADDRESS...
set -euo pipefail
if [ $# -lt 2 ]; then
  echo "usage: scripts/make-queue.sh FOLDER NAME-OR-ADDRESS..." >&2
  exit 2
fi
folder=$1
shift
umask 077
mkdir "$folder"
cd "$folder"

names=()
for name in "$@"; do
  if [[ $name =~ ^[0-9.]+$ || $name == *:* ]]; then names+=("IP:$name"); else names+=("DNS:$name"); fi
done
joined=$(IFS=,; echo "${names[*]}")
quietly() { "$@" 2>openssl.log || { cat openssl.log >&2; exit 1; }; }
quietly openssl req -x509 -newkey rsa:3072 -nodes -days 3650 -keyout ca.key -out ca.crt -subj "/CN=queue authority"
quietly openssl req -newkey rsa:3072 -nodes -keyout server.key -out server.csr -subj "/CN=$1" -addext "subjectAltName=$joined"
quietly openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 825 -copy_extensions copy
rm -f server.csr ca.srl openssl.log

openssl rand -hex 32 >password
hash=$(printf %s "$(cat password)" | openssl dgst -sha256 -r | cut -d' ' -f1)
# Keys of the toolkit alone, no channels; nothing that is dangerous or for administrators. BullMQ's scripts may do no
# more than who runs them.
cat >users.acl <<END
user default off
user tts on #$hash resetkeys resetchannels ~tts:* -@all +@read +@write +@connection +@scripting +@transaction +@blocking -@dangerous -@admin +client|setname +client|id +info
END
cat >redis.conf <<END
# All results can be computed again: nothing is written to the disk.
port 0
tls-port 6379
tls-cert-file $PWD/server.crt
tls-key-file $PWD/server.key
tls-ca-cert-file $PWD/ca.crt
tls-auth-clients no
aclfile $PWD/users.acl
save ""
appendonly no
maxmemory-policy noeviction
END
echo "made $PWD: start redis-server $PWD/redis.conf; give workers ca.crt and password, and keep ca.key to yourself"
