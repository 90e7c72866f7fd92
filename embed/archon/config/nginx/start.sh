# Starts nginx as "gateway" or as "ui". What cannot be known before the container runs goes into /tmp/nginx: the name
# server of its network, the server behind the web front, and whether a certificate was mounted.
set -eu
role=$1
mkdir -p /tmp/nginx

# Names are asked again every few seconds, because a container gets a new address when it is made anew.
server=$(awk '$1 == "nameserver" { print $2; exit }' /etc/resolv.conf)
case $server in *:*) server="[$server]" ;; esac
echo "resolver $server valid=5s ipv6=off;" >/tmp/nginx/resolver.conf

if [ "$role" = ui ]; then
    echo "set \$archon_server http://$ARCHON_SERVER;" >/tmp/nginx/server.conf
    if [ -r /run/tls/tls.crt ]; then
        cp /etc/archon/listen-tls.conf /tmp/nginx/listen.conf
    else
        echo "listen 3737;" >/tmp/nginx/listen.conf
    fi
fi
exec nginx -e stderr -g "daemon off;" -c "/etc/archon/$role.conf"
